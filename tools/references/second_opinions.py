"""Families of which ../shared/golden has files by llama.cpp: the same families
by transformers, a second opinion on the definition. Committed as the golden
model of their family where those files are large; `make_reference.py` makes
the others on demand."""

from references.families import HEADS, WIDE_HEADS, Family

DELTA_NET = HEADS | dict(
    head_dim=32, linear_key_head_dim=32, linear_value_head_dim=32,
    linear_num_key_heads=2, linear_num_value_heads=4, linear_conv_kernel_dim=4,
    layer_types=["linear_attention", "full_attention"],
    rope_parameters=dict(rope_type="default", rope_theta=1e7,
                         partial_rotary_factor=0.25))
ROUTED = dict(num_experts=8, num_experts_per_tok=2, moe_intermediate_size=32,
              shared_expert_intermediate_size=32)

SECOND_OPINIONS = {
    "llama-moe": Family(
        "MixtralForCausalLM", "MixtralConfig",
        HEADS | dict(intermediate_size=32, num_local_experts=8,
                     num_experts_per_tok=2)),
    "olmoe": Family(
        "OlmoeForCausalLM", "OlmoeConfig",
        dict(num_attention_heads=4, num_key_value_heads=4,
             intermediate_size=32, num_experts=8, num_experts_per_tok=2,
             norm_topk_prob=False)),
    "qwen3moe": Family(
        "Qwen3MoeForCausalLM", "Qwen3MoeConfig",
        WIDE_HEADS | dict(intermediate_size=96, head_dim=32, num_experts=8,
                          num_experts_per_tok=2, moe_intermediate_size=32,
                          norm_topk_prob=True)),
    "qwen3": Family(
        "Qwen3ForCausalLM", "Qwen3Config",
        HEADS | dict(intermediate_size=96, head_dim=32)),
    "phi3": Family(
        "Phi3ForCausalLM", "Phi3Config",
        # llama.cpp knows of the window and leaves it out.
        HEADS | dict(intermediate_size=96, max_position_embeddings=512,
                     original_max_position_embeddings=512, sliding_window=16,
                     rope_parameters=dict(rope_type="default",
                                          rope_theta=10000.0,
                                          partial_rotary_factor=0.75)),
        peer=False),
    "gemma2": Family(
        "Gemma2ForCausalLM", "Gemma2Config", embedding=0.125,
        arguments=HEADS | dict(
            intermediate_size=96, head_dim=32, sliding_window=16,
            layer_types=["sliding_attention", "full_attention"],
            query_pre_attn_scalar=32, attn_logit_softcapping=2.0,
            final_logit_softcapping=3.0)),
    "exaone4": Family(
        "Exaone4ForCausalLM", "Exaone4Config",
        # llama.cpp takes the window, and no rotation beyond it, from 64 layers
        # on; this is the small model, which sees the whole text.
        HEADS | dict(intermediate_size=96, sliding_window=None,
                     layer_types=["full_attention"] * 2)),
    # Its own configuration says truncate=False: the frequencies that YaRN leaves
    # alone end between two of them. llama.cpp rounds there, and GGUF has no key
    # for it; so do these files. Not rounded, the NMSE here is 1.8e-2.
    "gpt-oss": Family(
        "GptOssForCausalLM", "GptOssConfig",
        WIDE_HEADS | dict(
            intermediate_size=32, head_dim=32, num_local_experts=8,
            num_experts_per_tok=2, sliding_window=16, swiglu_limit=7.0,
            layer_types=["sliding_attention", "full_attention"],
            rope_parameters=dict(
                rope_type="yarn", factor=4.0, rope_theta=10000.0,
                beta_fast=32.0, beta_slow=1.0, truncate=True,
                original_max_position_embeddings=64))),
    "qwen3next": Family(
        "Qwen3NextForCausalLM", "Qwen3NextConfig",
        DELTA_NET | ROUTED | dict(intermediate_size=96),
        published=dict(full_attention_interval=2)),
    "qwen35": Family(
        "Qwen3_5ForCausalLM", "Qwen3_5TextConfig",
        DELTA_NET | dict(intermediate_size=96),
        published=dict(full_attention_interval=2)),
    "qwen35moe": Family(
        "Qwen3_5MoeForCausalLM", "Qwen3_5MoeTextConfig", DELTA_NET | ROUTED,
        published=dict(full_attention_interval=2)),
    "nemotron_h_moe": Family(
        "NemotronHForCausalLM", "NemotronHConfig",
        HEADS | dict(
            num_hidden_layers=4,
            layer_types=["linear_attention", "moe", "full_attention", "moe"],
            head_dim=32, intermediate_size=32, ssm_state_size=32, n_groups=2,
            mamba_num_heads=4, mamba_head_dim=32, chunk_size=16,
            n_routed_experts=8, num_experts_per_tok=2,
            moe_intermediate_size=32, moe_shared_expert_intermediate_size=64,
            routed_scaling_factor=2.5),
        published=dict(num_hidden_layers=4, rms_norm_eps=1e-5,
                       hybrid_override_pattern="ME*E"),
        unpublished=("layers_block_type",)),
}
