"""Jina's BERT of the second version, which transformers does not have: BERT
with linear biases in place of positions (ALiBi), and a gated block. From its
published definition (arXiv:2310.19923, section 3)."""

import torch
import transformers


class GatedBlock(torch.nn.Module):
    """Both halves of one projection, the first through GELU."""

    def __init__(self, config):
        super().__init__()
        self.dense = torch.nn.Linear(
            config.hidden_size, 2 * config.intermediate_size, bias=False)

    def forward(self, hidden):
        gate, up = self.dense(hidden).chunk(2, dim=-1)
        return torch.nn.functional.gelu(gate) * up


class BlockOutput(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.wo = torch.nn.Linear(config.intermediate_size, config.hidden_size)
        self.post_norm = torch.nn.LayerNorm(config.hidden_size,
                                            eps=config.layer_norm_eps)

    def forward(self, hidden, residual):
        return self.post_norm(self.wo(hidden) + residual)


class JinaBertModel(transformers.BertModel):
    def __init__(self, config):
        super().__init__(config, add_pooling_layer=False)
        # No positions: the table stays zero, and is not saved.
        table = self.embeddings.position_embeddings
        del table.weight
        table.register_buffer("weight", torch.zeros(
            config.max_position_embeddings, config.hidden_size),
            persistent=False)
        for layer in self.encoder.layer:
            layer.intermediate = GatedBlock(config)
            layer.output = BlockOutput(config)

    def forward(self, input_ids):
        heads, count = self.config.num_attention_heads, input_ids.shape[1]
        # For a power of two heads; the bias falls by both sides alike.
        slopes = 2 ** (-8 * torch.arange(1, heads + 1) / heads)
        place = torch.arange(count)
        distance = (place[None] - place[:, None]).abs()
        bias = -slopes[:, None, None] * distance
        return super().forward(input_ids, attention_mask=bias[None])
