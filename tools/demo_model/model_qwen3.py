"""Qwen3 in JAX for training: weights by their GGUF names, forward pass, metadata.

Follows "Qwen3 Technical Report" (arXiv 2505.09388): pre-norm blocks, grouped
queries with an RMS norm on each query and key head, rotary positions over the
head's two halves (NEOX), SwiGLU, tied embeddings, no biases.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

ARCHITECTURE = "qwen3"


@dataclass(frozen=True)
class Config:
    vocabulary: int = 2048
    hidden: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_width: int = 64
    ffn: int = 512
    context: int = 512
    rope_base: float = 10000.0
    epsilon: float = 1e-6


def shapes(c):
    """Every weight's shape as (rows, columns); rows are outputs."""
    found = {"token_embd.weight": (c.vocabulary, c.hidden), "output_norm.weight": (c.hidden,)}
    for i in range(c.layers):
        block = {
            "attn_norm": (c.hidden,), "attn_q": (c.heads * c.head_width, c.hidden),
            "attn_k": (c.kv_heads * c.head_width, c.hidden),
            "attn_v": (c.kv_heads * c.head_width, c.hidden), "attn_q_norm": (c.head_width,),
            "attn_k_norm": (c.head_width,), "attn_output": (c.hidden, c.heads * c.head_width),
            "ffn_norm": (c.hidden,), "ffn_gate": (c.ffn, c.hidden), "ffn_up": (c.ffn, c.hidden),
            "ffn_down": (c.hidden, c.ffn),
        }
        found.update({f"blk.{i}.{name}.weight": shape for name, shape in block.items()})
    return found


def initial(c, seed):
    """Seeded start: norms 1, matrices normal with variance 1/columns, block outputs smaller."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in shapes(c).items():
        if len(shape) == 1:
            weights[name] = np.ones(shape, np.float32)
            continue
        scale = 0.02 if name.startswith("token_embd") else shape[1] ** -0.5
        if "attn_output" in name or "ffn_down" in name:
            scale /= (2 * c.layers) ** 0.5
        weights[name] = (scale * rng.standard_normal(shape)).astype(np.float32)
    return weights


def rms_norm(x, weight, epsilon):
    """x / sqrt(mean(x²) + ε) · weight over the last dimension."""
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + epsilon) * weight


def rotate(x, cosine, sine):
    """Rotary positions on [batch, time, heads, width]: pairs are (i, i + width/2)."""
    low, high = jnp.split(x, 2, -1)
    return jnp.concatenate([low * cosine - high * sine, high * cosine + low * sine], -1)


def attention(c, q, k, v, visible):
    """Grouped-query attention; q, k, v are [batch, time, heads, width].

    Heads come first and a group's queries lie in one matrix, which XLA's CPU
    code multiplies a fifth faster than the plain form.
    """
    batch, time = q.shape[:2]
    group = c.heads // c.kv_heads
    q = q.reshape(batch, time, c.kv_heads, group, c.head_width).transpose(0, 2, 3, 1, 4)
    q = q.reshape(batch * c.kv_heads, group * time, c.head_width) * c.head_width ** -0.5
    k, v = (x.transpose(0, 2, 1, 3).reshape(batch * c.kv_heads, time, c.head_width)
            for x in (k, v))
    score = jnp.einsum("btd,bsd->bts", q, k).reshape(batch, c.kv_heads, group, time, time)
    share = jax.nn.softmax(jnp.where(visible[:, None, None], score, -1e30), -1)
    mixed = jnp.einsum("bts,bsd->btd", share.reshape(batch * c.kv_heads, group * time, time), v)
    mixed = mixed.reshape(batch, c.kv_heads, group, time, c.head_width)
    return mixed.transpose(0, 3, 1, 2, 4).reshape(batch, time, -1)


def forward(c, weights, tokens, segments):
    """Logits [batch, time, vocabulary].

    `segments` [batch, time] numbers the documents packed into each row; a token
    sees earlier tokens of its own document only.
    """
    batch, time = tokens.shape
    frequency = c.rope_base ** (-jnp.arange(0, c.head_width, 2) / c.head_width)
    angle = jnp.arange(time)[:, None] * frequency
    cosine, sine = jnp.cos(angle)[:, None, :], jnp.sin(angle)[:, None, :]
    same = segments[:, :, None] == segments[:, None, :]
    visible = same & jnp.tril(jnp.ones((time, time), bool))

    x = weights["token_embd.weight"][tokens]
    for i in range(c.layers):
        def w(name):
            return weights[f"blk.{i}.{name}.weight"]

        h = rms_norm(x, w("attn_norm"), c.epsilon)
        q = (h @ w("attn_q").T).reshape(batch, time, c.heads, c.head_width)
        k = (h @ w("attn_k").T).reshape(batch, time, c.kv_heads, c.head_width)
        v = (h @ w("attn_v").T).reshape(batch, time, c.kv_heads, c.head_width)
        q = rotate(rms_norm(q, w("attn_q_norm"), c.epsilon), cosine, sine)
        k = rotate(rms_norm(k, w("attn_k_norm"), c.epsilon), cosine, sine)
        mixed = attention(c, q, k, v, visible)
        x = x + mixed @ w("attn_output").T

        h = rms_norm(x, w("ffn_norm"), c.epsilon)
        gated = jax.nn.silu(h @ w("ffn_gate").T) * (h @ w("ffn_up").T)
        x = x + gated @ w("ffn_down").T
    x = rms_norm(x, weights["output_norm.weight"], c.epsilon)
    return x @ weights["token_embd.weight"].T


def write_metadata(writer, c):
    """The hyper-parameters under the keys that GGUF gives this family."""
    writer.add_vocab_size(c.vocabulary)
    writer.add_context_length(c.context)
    writer.add_embedding_length(c.hidden)
    writer.add_block_count(c.layers)
    writer.add_feed_forward_length(c.ffn)
    writer.add_head_count(c.heads)
    writer.add_head_count_kv(c.kv_heads)
    writer.add_key_length(c.head_width)
    writer.add_value_length(c.head_width)
    writer.add_rope_dimension_count(c.head_width)
    writer.add_rope_freq_base(c.rope_base)
    writer.add_layer_norm_rms_eps(c.epsilon)
