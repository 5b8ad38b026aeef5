"""Qwen3.5's mixture of experts in JAX for training: weights by GGUF names, forward pass.

Three gated delta nets (arXiv 2412.06464) to one layer of gated attention, each
followed by routed experts and a shared expert behind a sigmoid gate. Norms
multiply by their weight as it is, as the converted files have them, not by 1 + it.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from delta_rule import delta_rule
from model_qwen3 import attention, rms_norm, rotate

ARCHITECTURE = "qwen35moe"
BALANCE_SHARE = 0.01  # of the loss; as in "Switch Transformers" (arXiv 2101.03961)


@dataclass(frozen=True)
class Config:
    vocabulary: int = 2048
    hidden: int = 256
    layers: int = 4
    attention_interval: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_width: int = 64
    rotary_width: int = 32
    net_key_heads: int = 2
    net_value_heads: int = 4
    net_width: int = 64
    taps: int = 4
    experts: int = 8
    experts_used: int = 2
    expert_ffn: int = 64
    shared_ffn: int = 128
    context: int = 512
    rope_base: float = 10000.0
    epsilon: float = 1e-6

    def attends(self, layer):
        return (layer + 1) % self.attention_interval == 0


def attention_shapes(c):
    """attn_q holds of each head its query's rows, then its gate's."""
    return {
        "attn_q.weight": (2 * c.heads * c.head_width, c.hidden),
        "attn_k.weight": (c.kv_heads * c.head_width, c.hidden),
        "attn_v.weight": (c.kv_heads * c.head_width, c.hidden),
        "attn_q_norm.weight": (c.head_width,), "attn_k_norm.weight": (c.head_width,),
        "attn_output.weight": (c.hidden, c.heads * c.head_width),
    }


def net_shapes(c):
    """attn_qkv holds queries, keys and values; ssm_a is log(decay rate) until exported."""
    values = c.net_value_heads * c.net_width
    mixed = 2 * c.net_key_heads * c.net_width + values
    return {
        "attn_qkv.weight": (mixed, c.hidden), "attn_gate.weight": (values, c.hidden),
        "ssm_beta.weight": (c.net_value_heads, c.hidden),
        "ssm_alpha.weight": (c.net_value_heads, c.hidden),
        "ssm_conv1d.weight": (mixed, c.taps), "ssm_dt.bias": (c.net_value_heads,),
        "ssm_a": (c.net_value_heads,), "ssm_norm.weight": (c.net_width,),
        "ssm_out.weight": (c.hidden, values),
    }


def expert_shapes(c):
    return {
        "ffn_gate_inp.weight": (c.experts, c.hidden),
        "ffn_gate_exps.weight": (c.experts, c.expert_ffn, c.hidden),
        "ffn_up_exps.weight": (c.experts, c.expert_ffn, c.hidden),
        "ffn_down_exps.weight": (c.experts, c.hidden, c.expert_ffn),
        "ffn_gate_inp_shexp.weight": (c.hidden,),
        "ffn_gate_shexp.weight": (c.shared_ffn, c.hidden),
        "ffn_up_shexp.weight": (c.shared_ffn, c.hidden),
        "ffn_down_shexp.weight": (c.hidden, c.shared_ffn),
    }


def shapes(c):
    """Every weight's shape as (…, rows, columns); rows are outputs."""
    found = {"token_embd.weight": (c.vocabulary, c.hidden), "output_norm.weight": (c.hidden,)}
    for i in range(c.layers):
        block = {"attn_norm.weight": (c.hidden,), "post_attention_norm.weight": (c.hidden,),
                 **(attention_shapes(c) if c.attends(i) else net_shapes(c)), **expert_shapes(c)}
        found.update({f"blk.{i}.{name}": shape for name, shape in block.items()})
    return found


def initial_vector(c, name, shape):
    """Norms 1; a net's heads forget at rates from a few tokens to the whole window."""
    if name.endswith("ssm_a") or name.endswith("ffn_gate_inp_shexp.weight"):
        return np.zeros(shape, np.float32)
    if name.endswith("ssm_dt.bias"):
        rates = np.geomspace(0.3, 0.003, c.net_value_heads)
        return np.log(np.expm1(rates)).astype(np.float32)  # softplus undone
    return np.ones(shape, np.float32)


def initial(c, seed):
    """Seeded start: matrices normal with variance 1/columns, block outputs smaller."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in shapes(c).items():
        if len(shape) == 1:
            weights[name] = initial_vector(c, name, shape)
            continue
        scale = 0.02 if name.startswith("token_embd") else shape[-1] ** -0.5
        if any(part in name for part in ("attn_output", "ssm_out", "ffn_down")):
            scale /= (2 * c.layers) ** 0.5
        weights[name] = (scale * rng.standard_normal(shape)).astype(np.float32)
    return weights


def stored(weights):
    """The weights as the file has them: ssm_a is -exp of what was trained."""
    return {name: -np.exp(weight) if name.endswith("ssm_a") else weight
            for name, weight in weights.items()}


def unit(x, epsilon):
    """x / sqrt(Σx² + ε) over the last dimension."""
    return x * jax.lax.rsqrt(jnp.sum(x * x, -1, keepdims=True) + epsilon)


def convolved(c, x, kernel, segments):
    """Each column with its last `taps` values in the same document, then SiLU."""
    total = x * kernel[:, -1]
    for back in range(1, c.taps):
        before = jnp.pad(x, ((0, 0), (back, 0), (0, 0)))[:, :-back]
        same = jnp.pad(segments, ((0, 0), (back, 0)))[:, :-back] == segments
        total += jnp.where(same[..., None], before, 0) * kernel[:, c.taps - 1 - back]
    return jax.nn.silu(total)


def delta_net(c, w, x, segments):
    """A gated delta net; value head h uses key head h mod net_key_heads."""
    keys, copies = c.net_key_heads * c.net_width, c.net_value_heads // c.net_key_heads
    mixed = convolved(c, x @ w("attn_qkv.weight").T, w("ssm_conv1d.weight"), segments)

    def heads(rows):
        return rows.reshape(*rows.shape[:2], -1, c.net_width).transpose(0, 2, 1, 3)

    q, k = (jnp.tile(unit(heads(rows), c.epsilon), (1, copies, 1, 1))
            for rows in (mixed[..., :keys], mixed[..., keys:2 * keys]))
    step = jax.nn.softplus(x @ w("ssm_alpha.weight").T + w("ssm_dt.bias"))
    decay = (-jnp.exp(w("ssm_a")) * step).swapaxes(1, 2)
    beta = jax.nn.sigmoid(x @ w("ssm_beta.weight").T).swapaxes(1, 2)
    found = delta_rule(q * c.net_width ** -0.5, k, heads(mixed[..., 2 * keys:]), decay, beta,
                       segments)
    found = rms_norm(found, w("ssm_norm.weight"), c.epsilon)
    found *= jax.nn.silu(heads(x @ w("attn_gate.weight").T))
    return found.transpose(0, 2, 1, 3).reshape(*x.shape[:2], -1) @ w("ssm_out.weight").T


def gated_attention(c, w, x, turns, visible):
    """Attention whose heads are multiplied by the sigmoid of a gate of their own."""
    def heads(rows, count):
        return rows.reshape(*x.shape[:2], count, -1)

    def turned(rows, norm):
        rows = rms_norm(rows, w(norm), c.epsilon)
        return jnp.concatenate([rotate(rows[..., :c.rotary_width], *turns),
                                rows[..., c.rotary_width:]], -1)

    q, gate = jnp.split(heads(x @ w("attn_q.weight").T, c.heads), 2, -1)
    k = heads(x @ w("attn_k.weight").T, c.kv_heads)
    v = heads(x @ w("attn_v.weight").T, c.kv_heads)
    mixed = attention(c, turned(q, "attn_q_norm.weight"), turned(k, "attn_k_norm.weight"), v,
                      visible)
    return (mixed * jax.nn.sigmoid(gate.reshape(mixed.shape))) @ w("attn_output.weight").T


def mixture(c, w, x):
    """(experts' sum, balance): every expert computed, those not chosen times 0.

    `balance` is 1 when all experts have the same share, and up to `experts`.
    """
    chance = jax.nn.softmax(x @ w("ffn_gate_inp.weight").T, -1)
    least = jax.lax.top_k(chance, c.experts_used)[0][..., -1:]
    chosen = chance >= jax.lax.stop_gradient(least)
    share = jnp.where(chosen, chance, 0)
    share /= jnp.sum(share, -1, keepdims=True)
    balance = c.experts / c.experts_used * jnp.sum(
        jnp.mean(chosen, (0, 1), dtype=jnp.float32) * jnp.mean(chance, (0, 1)))

    def product(name):
        return x @ w(name).reshape(-1, c.hidden).T

    inner = jax.nn.silu(product("ffn_gate_exps.weight")) * product("ffn_up_exps.weight")
    inner *= jnp.repeat(share, c.expert_ffn, -1)
    down = w("ffn_down_exps.weight").transpose(0, 2, 1).reshape(-1, c.hidden)
    shared = jax.nn.silu(product("ffn_gate_shexp.weight")) * product("ffn_up_shexp.weight")
    open_ = jax.nn.sigmoid(x @ w("ffn_gate_inp_shexp.weight"))[..., None]
    return inner @ down + open_ * (shared @ w("ffn_down_shexp.weight").T), balance


def forward_balanced(c, weights, tokens, segments):
    """(logits [batch, time, vocabulary], what to add to the loss).

    `segments` [batch, time] numbers the documents packed into each row; nothing
    goes from one to another.
    """
    time = tokens.shape[1]
    frequency = c.rope_base ** (-jnp.arange(0, c.rotary_width, 2) / c.rotary_width)
    angle = (jnp.arange(time)[:, None] * frequency)[:, None, :]
    turns = jnp.cos(angle), jnp.sin(angle)
    visible = segments[:, :, None] == segments[:, None, :]
    visible &= jnp.tril(jnp.ones((time, time), bool))

    x, imbalance = weights["token_embd.weight"][tokens], 0.0
    for i in range(c.layers):
        def w(name):
            return weights[f"blk.{i}.{name}"]

        h = rms_norm(x, w("attn_norm.weight"), c.epsilon)
        x = x + (gated_attention(c, w, h, turns, visible) if c.attends(i)
                 else delta_net(c, w, h, segments))
        found, balance = mixture(c, w, rms_norm(x, w("post_attention_norm.weight"), c.epsilon))
        x, imbalance = x + found, imbalance + balance / c.layers
    x = rms_norm(x, weights["output_norm.weight"], c.epsilon)
    return x @ weights["token_embd.weight"].T, BALANCE_SHARE * imbalance


def forward(c, weights, tokens, segments):
    """Logits [batch, time, vocabulary]."""
    return forward_balanced(c, weights, tokens, segments)[0]


def write_metadata(writer, c):
    """The hyper-parameters under the keys that GGUF gives this family."""
    writer.add_vocab_size(c.vocabulary)
    writer.add_context_length(c.context)
    writer.add_embedding_length(c.hidden)
    writer.add_block_count(c.layers)
    writer.add_head_count(c.heads)
    writer.add_head_count_kv(c.kv_heads)
    writer.add_key_length(c.head_width)
    writer.add_value_length(c.head_width)
    writer.add_rope_dimension_count(c.rotary_width)
    # Text has one position for all of them; their sum is half the rotary width.
    sixth = c.rotary_width // 6
    writer.add_rope_dimension_sections([c.rotary_width // 2 - 2 * sixth, sixth, sixth, 0])
    writer.add_rope_freq_base(c.rope_base)
    writer.add_layer_norm_rms_eps(c.epsilon)
    writer.add_expert_count(c.experts)
    writer.add_expert_used_count(c.experts_used)
    writer.add_expert_feed_forward_length(c.expert_ffn)
    writer.add_expert_shared_feed_forward_length(c.shared_ffn)
    writer.add_ssm_conv_kernel(c.taps)
    writer.add_ssm_state_size(c.net_width)
    writer.add_ssm_group_count(c.net_key_heads)
    writer.add_ssm_time_step_rank(c.net_value_heads)
    writer.add_ssm_inner_size(c.net_value_heads * c.net_width)
    writer.add_full_attention_interval(c.attention_interval)
