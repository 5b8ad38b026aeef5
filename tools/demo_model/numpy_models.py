"""Forward passes in plain NumPy, from GGUF files alone: one class for each family.

All arithmetic is float32 on exactly dequantised weights; a sequence is computed
whole, from position 0.
"""

import gguf
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


class Qwen3:
    """Pre-norm blocks of grouped-query attention and SwiGLU."""

    def __init__(self, reader):
        self.reader = reader
        self.weights = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)
                        for t in reader.tensors}
        self.layers = self.key("block_count")
        self.heads = self.key("attention.head_count")
        self.kv_heads = self.key("attention.head_count_kv")
        self.width = self.key("attention.key_length")
        self.epsilon = np.float32(self.key("attention.layer_norm_rms_epsilon"))
        rotary = self.key("rope.dimension_count", self.width)
        half = np.arange(rotary // 2, dtype=np.float64) * 2 / rotary
        self.frequency = self.key("rope.freq_base") ** -half

    def key(self, name, otherwise=None):
        """A hyper-parameter by its name without the family."""
        family = self.reader.get_field("general.architecture").contents()
        field = self.reader.get_field(f"{family}.{name}")
        return otherwise if field is None else field.contents()

    def product(self, x, name):
        """x · weightᵀ."""
        return x @ self.weights[name + ".weight"].T

    def norm(self, x, name):
        """RMS norm over the last dimension."""
        scale = 1 / np.sqrt(np.mean(x * x, -1, keepdims=True) + self.epsilon)
        return x * scale * self.weights[name + ".weight"]

    def rope(self, x):
        """Rotates the first columns of [time, heads, width] by position, in their halves' pairs."""
        angle = np.arange(len(x))[:, None, None] * self.frequency
        cosine, sine = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        half = len(self.frequency)
        low, high, rest = np.split(x, [half, 2 * half], -1)
        return np.concatenate([low * cosine - high * sine, high * cosine + low * sine, rest], -1)

    def attended(self, x, q, prefix):
        """Causal grouped-query attention of queries [time, heads, width], before attn_output."""
        def heads(name):
            return self.product(x, f"{prefix}.{name}").reshape(len(x), -1, self.width)

        q = self.rope(self.norm(q, f"{prefix}.attn_q_norm"))
        k = self.rope(self.norm(heads("attn_k"), f"{prefix}.attn_k_norm"))
        v = heads("attn_v")
        future = np.triu(np.ones((len(x), len(x)), bool), 1)
        mixed = np.empty_like(q)
        for head in range(self.heads):
            shared = head * self.kv_heads // self.heads
            score = q[:, head] @ k[:, shared].T / np.float32(self.width ** 0.5)
            score[future] = -np.inf
            share = np.exp(score - score.max(-1, keepdims=True))
            mixed[:, head] = share / share.sum(-1, keepdims=True) @ v[:, shared]
        return mixed.reshape(len(x), -1)

    def swiglu(self, x, prefix, suffix=""):
        """ffn_down of silu(ffn_gate) · ffn_up."""
        inner = silu(self.product(x, f"{prefix}.ffn_gate{suffix}"))
        inner = inner * self.product(x, f"{prefix}.ffn_up{suffix}")
        return self.product(inner, f"{prefix}.ffn_down{suffix}")

    def block(self, x, layer):
        """Rows after one layer."""
        prefix = f"blk.{layer}"
        h = self.norm(x, f"{prefix}.attn_norm")
        q = self.product(h, f"{prefix}.attn_q").reshape(len(x), self.heads, self.width)
        x = x + self.product(self.attended(h, q, prefix), f"{prefix}.attn_output")
        return x + self.swiglu(self.norm(x, f"{prefix}.ffn_norm"), prefix)

    def logits(self, tokens):
        """Logits [time, vocabulary] of one sequence that starts at position 0."""
        x = self.weights["token_embd.weight"][tokens]
        for layer in range(self.layers):
            x = self.block(x, layer)
        x = self.norm(x, "output_norm")
        return x @ self.weights.get("output.weight", self.weights["token_embd.weight"]).T


class Qwen35Moe(Qwen3):
    """Gated delta nets, every few layers gated attention; experts and a shared one."""

    def __init__(self, reader):
        super().__init__(reader)
        self.interval = self.key("full_attention_interval", 4)
        self.used = self.key("expert_used_count")
        self.key_heads = self.key("ssm.group_count")
        self.value_heads = self.key("ssm.time_step_rank")
        self.net_width = self.key("ssm.state_size")

    def gated_attention(self, x, prefix):
        """attn_q gives each head's query and, beside it, its gate."""
        both = self.product(x, f"{prefix}.attn_q").reshape(len(x), self.heads, -1)
        q, gate = np.split(both, 2, -1)
        mixed = self.attended(x, q, prefix) * sigmoid(gate.reshape(len(x), -1))
        return self.product(mixed, f"{prefix}.attn_output")

    def convolved(self, x, kernel):
        """Each column with those before it, the last tap its own; then SiLU."""
        taps = kernel.shape[1]
        padded = np.concatenate([np.zeros((taps - 1, x.shape[1]), x.dtype), x])
        return silu(sum(padded[i:i + len(x)] * kernel[:, i] for i in range(taps)))

    def delta_rule(self, q, k, v, decay, beta):
        """Token by token: the state forgets, then holds v where k is; q reads it."""
        state = np.zeros((self.value_heads, self.net_width, v.shape[-1]), np.float32)
        found = np.empty_like(v)
        for t in range(len(v)):
            state = state * decay[t, :, None, None]
            held = np.einsum("hkv,hk->hv", state, k[t])
            state += k[t, :, :, None] * ((v[t] - held) * beta[t, :, None])[:, None, :]
            found[t] = np.einsum("hkv,hk->hv", state, q[t])
        return found

    def delta_net(self, x, prefix):
        mixed = self.convolved(self.product(x, f"{prefix}.attn_qkv"),
                               self.weights[f"{prefix}.ssm_conv1d.weight"])
        keys, copies = self.key_heads * self.net_width, self.value_heads // self.key_heads

        def unit(rows):
            rows = rows.reshape(len(x), -1, self.net_width)
            rows = rows / np.sqrt(np.sum(rows * rows, -1, keepdims=True) + self.epsilon)
            return np.tile(rows, (1, copies, 1))

        q, k, v = np.split(mixed, [keys, 2 * keys], -1)
        step = self.product(x, f"{prefix}.ssm_alpha") + self.weights[f"{prefix}.ssm_dt.bias"]
        decay = np.exp(self.weights[f"{prefix}.ssm_a"] * np.logaddexp(0, step))
        found = self.delta_rule(unit(q) / np.float32(self.net_width ** 0.5), unit(k),
                                v.reshape(len(x), self.value_heads, -1), decay,
                                sigmoid(self.product(x, f"{prefix}.ssm_beta")))
        found = self.norm(found, f"{prefix}.ssm_norm").reshape(len(x), -1)
        found = found * silu(self.product(x, f"{prefix}.attn_gate"))
        return self.product(found, f"{prefix}.ssm_out")

    def mixture(self, x, prefix):
        """The chosen experts by their normalised chances, and the gated shared expert."""
        score = self.product(x, f"{prefix}.ffn_gate_inp")
        chance = np.exp(score - score.max(-1, keepdims=True))
        chosen = np.argsort(-chance, -1, "stable")[:, :self.used]
        share = np.take_along_axis(chance, chosen, -1)
        share = share / share.sum(-1, keepdims=True)
        gate, up, down = (self.weights[f"{prefix}.ffn_{part}_exps.weight"]
                          for part in ("gate", "up", "down"))
        total = np.zeros_like(x)
        for expert in range(len(gate)):
            rows, places = np.nonzero(chosen == expert)
            inner = silu(x[rows] @ gate[expert].T) * (x[rows] @ up[expert].T)
            total[rows] += share[rows, places][:, None] * (inner @ down[expert].T)
        opened = sigmoid(x @ self.weights[f"{prefix}.ffn_gate_inp_shexp.weight"].reshape(-1))
        return total + opened[:, None] * self.swiglu(x, prefix, "_shexp")

    def block(self, x, layer):
        prefix = f"blk.{layer}"
        attends = (layer + 1) % self.interval == 0
        mixer = self.gated_attention if attends else self.delta_net
        x = x + mixer(self.norm(x, f"{prefix}.attn_norm"), prefix)
        return x + self.mixture(self.norm(x, f"{prefix}.post_attention_norm"), prefix)


FAMILIES = {"qwen3": Qwen3, "qwen35moe": Qwen35Moe}


def load(reader):
    """The model of a file, by its family."""
    family = reader.get_field("general.architecture").contents()
    if family not in FAMILIES:
        raise SystemExit(f"family {family}: only {', '.join(FAMILIES)} have a forward pass here")
    return FAMILIES[family](reader)
