"""Geometry, tensors and metadata of models whose layers are of several kinds,
for make_gguf.py: gated delta nets or Mamba-2 between attention, with or without
experts. Sizes come from the models' published configurations."""

SHAPES = {
    # One layer of attention behind three of gated delta net.
    "qwen3.6-27b": dict(arch="qwen35", hidden=5120, layers=64, heads=24,
                        kv_heads=4, head=256, rotary=64, ffn=17408,
                        vocab=248320, key_heads=16, value_heads=48, state=128),
    "qwen3.6-35b-a3b": dict(arch="qwen35moe", hidden=2048, layers=40, heads=16,
                            kv_heads=2, head=256, rotary=64, ffn=512,
                            vocab=248320, key_heads=16, value_heads=32,
                            state=128, experts=256, used=8, expert=512,
                            shared=512),
    # Layers in the order of the model's pattern: M Mamba-2, E experts,
    # * attention.
    "nemotron-3-nano": dict(arch="nemotron_h_moe", hidden=2688, layers=52,
                            pattern="MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM"
                                    "*EMEMEMEME",
                            heads=32, kv_heads=2, head=128, rotary=128, ffn=0,
                            vocab=131072, ssm_heads=64, groups=8, inner=4096,
                            state=128, experts=128, used=6, expert=1856,
                            shared=3712),
}


def is_attention(shape, layer):
    if "pattern" in shape:
        return shape["pattern"][layer] == "*"
    return layer % 4 == 3


def attention(shape, gated):
    hidden, head = shape["hidden"], shape["head"]
    query, cache = shape["heads"] * head, shape["kv_heads"] * head
    parts = [("attn_q.weight", [hidden, query * (2 if gated else 1)]),
             ("attn_k.weight", [hidden, cache]),
             ("attn_v.weight", [hidden, cache]),
             ("attn_output.weight", [query, hidden])]
    if gated:
        parts += [("attn_q_norm.weight", [head]),
                  ("attn_k_norm.weight", [head])]
    return parts


def delta_net(shape):
    hidden, state, heads = shape["hidden"], shape["state"], shape["value_heads"]
    values = heads * state
    mixed = 2 * shape["key_heads"] * state + values
    return [("attn_qkv.weight", [hidden, mixed]),
            ("attn_gate.weight", [hidden, values]),
            ("ssm_a", [heads]), ("ssm_alpha.weight", [hidden, heads]),
            ("ssm_beta.weight", [hidden, heads]),
            ("ssm_conv1d.weight", [4, mixed]), ("ssm_dt.bias", [heads]),
            ("ssm_norm.weight", [state]), ("ssm_out.weight", [values, hidden])]


def mamba(shape):
    hidden, inner, heads = shape["hidden"], shape["inner"], shape["ssm_heads"]
    mixed = inner + 2 * shape["groups"] * shape["state"]
    return [("ssm_in.weight", [hidden, inner + mixed + heads]),
            ("ssm_a", [1, heads]), ("ssm_d", [1, heads]),
            ("ssm_conv1d.weight", [4, mixed]), ("ssm_conv1d.bias", [mixed]),
            ("ssm_dt.bias", [heads]),
            ("ssm_norm.weight", [inner // shape["groups"], shape["groups"]]),
            ("ssm_out.weight", [inner, hidden])]


def experts(shape, gated):
    hidden, count = shape["hidden"], shape["experts"]
    parts = [("ffn_gate_inp.weight", [hidden, count])]
    if gated:
        parts += [("ffn_gate_exps.weight", [hidden, shape["expert"], count]),
                  ("ffn_gate_shexp.weight", [hidden, shape["shared"]]),
                  ("ffn_gate_inp_shexp.weight", [hidden])]
    else:
        parts += [("exp_probs_b.bias", [count])]
    return parts + [("ffn_up_exps.weight", [hidden, shape["expert"], count]),
                    ("ffn_down_exps.weight", [shape["expert"], hidden, count]),
                    ("ffn_up_shexp.weight", [hidden, shape["shared"]]),
                    ("ffn_down_shexp.weight", [shape["shared"], hidden])]


def block(shape, layer):
    """(part, [width, rows, …]) of one layer, suffixes included."""
    hidden = shape["hidden"]
    norm = [("attn_norm.weight", [hidden])]
    if "pattern" in shape:
        kind = shape["pattern"][layer]
        return norm + (mamba(shape) if kind == "M" else
                       attention(shape, False) if kind == "*" else
                       experts(shape, False))
    mixer = attention(shape, True) if is_attention(shape, layer) \
        else delta_net(shape)
    feed = experts(shape, True) if "experts" in shape else [
        ("ffn_gate.weight", [hidden, shape["ffn"]]),
        ("ffn_up.weight", [hidden, shape["ffn"]]),
        ("ffn_down.weight", [shape["ffn"], hidden])]
    return norm + mixer + [("post_attention_norm.weight", [hidden])] + feed


def is_small(part):
    """What files keep in float32."""
    return part in ("ssm_a", "ssm_d", "ssm_dt.bias", "ssm_conv1d.weight",
                    "ssm_conv1d.bias", "exp_probs_b.bias",
                    "ffn_gate_inp.weight", "ffn_gate_inp_shexp.weight")


def metadata(shape):
    """Keys beside those that every decoder has."""
    yield "rope.dimension_count", shape["rotary"]
    yield "ssm.conv_kernel", 4
    yield "ssm.state_size", shape["state"]
    if "pattern" in shape:
        yield "ssm.group_count", shape["groups"]
        yield "ssm.time_step_rank", shape["ssm_heads"]
        yield "ssm.inner_size", shape["inner"]
        kinds = shape["pattern"][:shape["layers"]]
        yield "attention.head_count_kv", [
            shape["kv_heads"] if k == "*" else 0 for k in kinds]
        yield "feed_forward_length", [
            shape["expert"] if k == "E" else 0 for k in kinds]
        yield "attention.layer_norm_epsilon", 1e-6
        yield "expert_shared_count", 1
        yield "expert_gating_func", 2
        yield "expert_weights_scale", 2.5
        yield "expert_weights_norm", True
    else:
        yield "ssm.group_count", shape["key_heads"]
        yield "ssm.time_step_rank", shape["value_heads"]
        yield "ssm.inner_size", shape["value_heads"] * shape["state"]
        yield "full_attention_interval", 4
        yield "rope.dimension_sections", [11, 11, 10, 0]
    if "experts" in shape:
        yield "expert_count", shape["experts"]
        yield "expert_used_count", shape["used"]
        yield "expert_feed_forward_length", shape["expert"]
        yield "expert_shared_feed_forward_length", shape["shared"]
