"""Geometry of models with multi-head latent attention, for make_gguf.py: one
cached row a token, a dense layer first, then routed and shared experts."""

# Geometry from the models' published configurations.
SHAPES = {
    "deepseek-v2-lite": dict(
        arch="deepseek2", hidden=2048, layers=27, heads=16, kv_heads=1,
        head=192, rotary=64, value=128, rank=512, query_rank=0, ffn=10944,
        vocab=102400, experts=64, used=6, expert_ffn=1408, shared=2,
        yarn=(40.0, 4096, 0.0707)),
}


def block(shape, layer):
    """(name, dims) of one layer."""
    hidden, heads, rank = shape["hidden"], shape["heads"], shape["rank"]
    still = shape["head"] - shape["rotary"]
    yield "attn_norm.weight", [hidden]
    if shape["query_rank"]:
        yield "attn_q_a.weight", [hidden, shape["query_rank"]]
        yield "attn_q_a_norm.weight", [shape["query_rank"]]
        yield "attn_q_b.weight", [shape["query_rank"], heads * shape["head"]]
    else:
        yield "attn_q.weight", [hidden, heads * shape["head"]]
    yield "attn_kv_a_mqa.weight", [hidden, rank + shape["rotary"]]
    yield "attn_kv_a_norm.weight", [rank]
    yield "attn_k_b.weight", [still, rank, heads]
    yield "attn_v_b.weight", [rank, shape["value"], heads]
    yield "attn_output.weight", [heads * shape["value"], hidden]
    yield "ffn_norm.weight", [hidden]
    if layer == 0:
        yield "ffn_gate.weight", [hidden, shape["ffn"]]
        yield "ffn_up.weight", [hidden, shape["ffn"]]
        yield "ffn_down.weight", [shape["ffn"], hidden]
        return
    width, shared = shape["expert_ffn"], shape["expert_ffn"] * shape["shared"]
    yield "ffn_gate_inp.weight", [hidden, shape["experts"]]
    yield "ffn_gate_exps.weight", [hidden, width, shape["experts"]]
    yield "ffn_up_exps.weight", [hidden, width, shape["experts"]]
    yield "ffn_down_exps.weight", [width, hidden, shape["experts"]]
    yield "ffn_gate_shexp.weight", [hidden, shared]
    yield "ffn_up_shexp.weight", [hidden, shared]
    yield "ffn_down_shexp.weight", [shared, hidden]


def metadata(shape):
    factor, original, multiplier = shape["yarn"]
    yield "rope.dimension_count", shape["rotary"]
    yield "rope.freq_base", 1e4
    yield "attention.key_length", shape["rank"] + shape["rotary"]
    yield "attention.value_length", shape["rank"]
    yield "attention.key_length_mla", shape["head"]
    yield "attention.value_length_mla", shape["value"]
    yield "attention.kv_lora_rank", shape["rank"]
    # 0: llama.cpp knows the absence from 27 layers, not from the file.
    yield "attention.q_lora_rank", shape["query_rank"]
    yield "leading_dense_block_count", 1
    yield "expert_shared_count", shape["shared"]
    yield "expert_weights_scale", 1.0
    yield "expert_gating_func", 1
    yield "rope.scaling.type", "yarn"
    yield "rope.scaling.factor", factor
    yield "rope.scaling.original_context_length", original
    yield "rope.scaling.yarn_log_multiplier", multiplier
