"""The table of tools/make_reference.py: one small configuration per family.

A configuration holds what the class in transformers calls its arguments; what
all share is in SHARED. Widths are small, but the structure is the real one:
grouped heads, both kinds of layers where there are two, windows shorter than
the 64 tokens, more experts than are used. Needs neither torch nor transformers.
"""

import dataclasses

VOCABULARY, TOKENS = 256, 64
# The tokens of which a reranker by text compares the last logits.
YES, NO = 7, 5

# Ends and beginnings of a text are ids that tokens.txt does not hold, so that
# no class treats one of its tokens apart.
SHARED = dict(vocab_size=VOCABULARY, hidden_size=64, num_hidden_layers=2,
              max_position_embeddings=512, pad_token_id=0, bos_token_id=1,
              eos_token_id=2)
HEADS = dict(num_attention_heads=4, num_key_value_heads=2)
WIDE_HEADS = dict(num_attention_heads=3, num_key_value_heads=1)
# The smallest rows that the rule of 32 allows: two heads of 16.
NARROW = dict(hidden_size=32, num_attention_heads=2, intermediate_size=64)
NARROW_HEADS = NARROW | dict(num_key_value_heads=1)


def rotating(share):
    """Only the first `share` of each head rotates."""
    return dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0,
                                     partial_rotary_factor=share))


# Latent attention: a cache of 32 + 16 numbers per token for both heads. The
# first layer has no experts.
MLA = dict(num_attention_heads=2, num_key_value_heads=2, kv_lora_rank=32,
           qk_nope_head_dim=32, qk_rope_head_dim=16, v_head_dim=32,
           intermediate_size=96, moe_intermediate_size=32, n_routed_experts=8,
           num_experts_per_tok=2, n_shared_experts=1, first_k_dense_replace=1)

GLM_MOE = WIDE_HEADS | dict(
    intermediate_size=96, head_dim=32, use_qk_norm=True,
    moe_intermediate_size=32, n_routed_experts=8, num_experts_per_tok=2,
    n_shared_experts=1, first_k_dense_replace=1, num_mtp_layers=0,
    partial_rotary_factor=0.5)

GEMMA4 = dict(num_attention_heads=2, num_key_value_heads=1, head_dim=32,
              global_head_dim=64, sliding_window=16,
              final_logit_softcapping=3.0,
              vocab_size_per_layer_input=VOCABULARY)


@dataclasses.dataclass(frozen=True)
class Family:
    """One reference: the class of transformers, and its configuration.

    `model` and `config` are names of classes in transformers, or of this
    folder. `outputs` says what the .npy holds: "logits" after each token,
    "embeddings" of each token, or the "rank" of the text (and the embeddings
    in the .embeddings.npy); `pooling` how the embeddings become one, in the
    .pooled.npy. `embedding` is the spread of the token embeddings; where the
    model scales them up, it starts smaller. `architecture` is what the
    converter is told when it is not the name of the class; `published` are keys
    as published checkpoints spell them and the converter reads them,
    `unpublished` those that they lack; `rename` the same for names of tensors,
    joined where they become one.
    `peer` is false where llama.cpp cannot run the file; `override` is a key
    that it needs to be told.
    """
    model: str
    config: str
    arguments: dict
    outputs: str = "logits"
    pooling: str = ""
    embedding: float = 1.0
    architecture: str = ""
    published: dict = dataclasses.field(default_factory=dict)
    unpublished: tuple = ()
    rename: tuple = ()
    peer: bool = True
    override: str = ""

    def settings(self):
        """All arguments of the configuration."""
        return SHARED | self.arguments


DENSE = {
    "gemma3": Family(
        "Gemma3ForCausalLM", "Gemma3TextConfig", embedding=0.125,
        arguments=HEADS | dict(
            # The sixth layer is the first that sees the whole text.
            num_hidden_layers=6, num_attention_heads=2, num_key_value_heads=1,
            head_dim=32, intermediate_size=32, sliding_window=16,
            query_pre_attn_scalar=32)),
    "olmo2": Family("Olmo2ForCausalLM", "Olmo2Config",
                    HEADS | dict(intermediate_size=96)),
    "starcoder2": Family("Starcoder2ForCausalLM", "Starcoder2Config",
                         HEADS | dict(intermediate_size=128)),
    "granite": Family(
        "GraniteForCausalLM", "GraniteConfig",
        HEADS | dict(intermediate_size=96, embedding_multiplier=6.0,
                     logits_scaling=4.0, residual_multiplier=0.6,
                     attention_multiplier=0.125), embedding=0.25),
    "smollm3": Family(
        "SmolLM3ForCausalLM", "SmolLM3Config",
        # Every fourth layer has no positions.
        HEADS | dict(num_hidden_layers=4, intermediate_size=96)),
    "command-r": Family("CohereForCausalLM", "CohereConfig",
                        HEADS | dict(intermediate_size=96)),
    "command-r-qk-norm": Family(
        "CohereForCausalLM", "CohereConfig",
        # llama.cpp expects these norms from 64 layers on only.
        HEADS | dict(intermediate_size=96, use_qk_norm=True), peer=False),
    "glm4": Family(
        "Glm4ForCausalLM", "Glm4Config",
        HEADS | dict(intermediate_size=96, head_dim=16)),
    "seed_oss": Family(
        "SeedOssForCausalLM", "SeedOssConfig",
        WIDE_HEADS | dict(intermediate_size=96, head_dim=32)),
    "ernie4_5": Family(
        "Ernie4_5ForCausalLM", "Ernie4_5Config",
        HEADS | dict(intermediate_size=96, head_dim=16)),
    "hunyuan-dense": Family(
        "HunYuanDenseV1ForCausalLM", "HunYuanDenseV1Config",
        WIDE_HEADS | dict(
            intermediate_size=96, head_dim=32, max_position_embeddings=32768,
            rope_parameters=dict(rope_type="dynamic", alpha=1000.0, factor=1.0,
                                 rope_theta=10000.0))),
    # As E2B: embeddings per layer, the last layers share the cache of earlier
    # ones and are twice as wide.
    "gemma4": Family(
        "Gemma4ForCausalLM", "Gemma4TextConfig", GEMMA4 | dict(
            num_hidden_layers=4, intermediate_size=32,
            layer_types=["sliding_attention", "full_attention"] * 2,
            hidden_size_per_layer_input=32, num_kv_shared_layers=2,
            use_double_wide_mlp=True), embedding=0.125),
    "gemma": Family("GemmaForCausalLM", "GemmaConfig",
                    NARROW_HEADS | dict(head_dim=32), embedding=0.25),
    "cohere2": Family(
        "Cohere2ForCausalLM", "Cohere2Config",
        # The fourth layer sees the whole text, and does not rotate.
        NARROW_HEADS | dict(num_hidden_layers=4, sliding_window=16,
                            logit_scale=0.25),
        published=dict(rotary_pct=1.0)),
    "nemotron": Family("NemotronForCausalLM", "NemotronConfig",
                       NARROW_HEADS | rotating(0.5),
                       published=dict(partial_rotary_factor=0.5)),
    "phi2": Family("PhiForCausalLM", "PhiConfig",
                   # The converter takes the block's width for 4 times hidden.
                   NARROW | rotating(0.5) | dict(intermediate_size=128)),
    "gptneox": Family("GPTNeoXForCausalLM", "GPTNeoXConfig",
                      NARROW | rotating(0.25),
                      published=dict(rotary_pct=0.25)),
}

EXPERTS = {
    "qwen2moe": Family(
        "Qwen2MoeForCausalLM", "Qwen2MoeConfig",
        HEADS | dict(intermediate_size=96, num_experts=8, num_experts_per_tok=2,
                     moe_intermediate_size=32,
                     shared_expert_intermediate_size=32)),
    "granitemoe": Family(
        "GraniteMoeForCausalLM", "GraniteMoeConfig",
        HEADS | dict(intermediate_size=32, num_local_experts=8,
                     num_experts_per_tok=2, embedding_multiplier=6.0,
                     logits_scaling=4.0, residual_multiplier=0.6,
                     attention_multiplier=0.125), embedding=0.25),
    "deepseek2-lite": Family(
        "DeepseekV2ForCausalLM", "DeepseekV2Config",
        MLA | dict(q_lora_rank=None, n_group=1, topk_group=1,
                   topk_method="greedy", scoring_func="softmax",
                   norm_topk_prob=False, routed_scaling_factor=1.5),
        # llama.cpp knows the absence from 26 or 27 layers, not from the file.
        override="deepseek2.attention.q_lora_rank=0"),
    "deepseek2": Family(
        "DeepseekV3ForCausalLM", "DeepseekV3Config",
        MLA | dict(q_lora_rank=32, n_group=4, topk_group=2,
                   scoring_func="sigmoid", norm_topk_prob=True,
                   routed_scaling_factor=2.5, num_mtp_layers=0)),
    "glm4moe": Family(
        "Glm4MoeForCausalLM", "Glm4MoeConfig",
        GLM_MOE | dict(attention_bias=True, routed_scaling_factor=1.5)),
    # As 26B-A4B: experts beside a dense block; keys that are values, too.
    "gemma4-moe": Family(
        "Gemma4ForCausalLM", "Gemma4TextConfig", GEMMA4 | dict(
            intermediate_size=64,
            layer_types=["sliding_attention", "full_attention"],
            num_key_value_heads=2, num_global_key_value_heads=1,
            hidden_size_per_layer_input=0, attention_k_eq_v=True,
            enable_moe_block=True, num_experts=8, top_k_experts=2,
            moe_intermediate_size=32), embedding=0.125),
    "ernie4_5-moe": Family(
        "Ernie4_5_MoeForCausalLM", "Ernie4_5_MoeConfig",
        # The converter takes the width of the two shared experts for
        # intermediate_size / num_key_value_heads.
        HEADS | dict(intermediate_size=128, moe_intermediate_size=32,
                     moe_num_experts=8, moe_k=2, moe_num_shared_experts=2,
                     moe_layer_start_index=1)),
    # Ling 2.0 is not in transformers; its definition is that of GLM-4.5 with
    # groups of experts, under other names.
    "bailingmoe2": Family(
        "Glm4MoeForCausalLM", "Glm4MoeConfig", GLM_MOE | dict(
            num_attention_heads=2, attention_bias=False, n_group=4,
            topk_group=2, routed_scaling_factor=2.5),
        architecture="BailingMoeV2ForCausalLM",
        published=dict(num_experts=8, num_shared_experts=1,
                       score_function="sigmoid"),
        unpublished=("n_routed_experts", "n_shared_experts", "num_mtp_layers",
                     "num_nextn_predict_layers"),
        rename=(("model.embed_tokens", "model.word_embeddings"),
                ("self_attn.q_proj", "attention.query_key_value"),
                ("self_attn.k_proj", "attention.query_key_value"),
                ("self_attn.v_proj", "attention.query_key_value"),
                ("self_attn.o_proj", "attention.dense"),
                ("self_attn.q_norm", "attention.query_layernorm"),
                ("self_attn.k_norm", "attention.key_layernorm"),
                ("gate.e_score_correction_bias", "gate.expert_bias"))),
    "minimax-m2": Family(
        "MiniMaxM2ForCausalLM", "MiniMaxM2Config",
        WIDE_HEADS | dict(intermediate_size=32, head_dim=32, rotary_dim=16,
                          num_local_experts=8, num_experts_per_tok=2),
        published=dict(scoring_func="sigmoid", rotary_dim=16)),
}

# Heads of 32 in two groups that share B and C.
MAMBA = dict(mamba_d_state=32, mamba_n_groups=2, mamba_d_conv=4,
             mamba_n_heads=4, mamba_d_head=32, mamba_chunk_size=16)

RECURRENT = {
    "mamba2": Family(
        "Mamba2ForCausalLM", "Mamba2Config",
        dict(state_size=32, n_groups=2, num_heads=4, head_dim=32, chunk_size=16,
             conv_kernel=4, expand=2)),
    "granitehybrid": Family(
        "GraniteMoeHybridForCausalLM", "GraniteMoeHybridConfig",
        HEADS | MAMBA | dict(
            num_hidden_layers=3,
            layer_types=["linear_attention", "full_attention",
                         "linear_attention"],
            intermediate_size=96, shared_intermediate_size=96,
            num_local_experts=0, num_experts_per_tok=0,
            embedding_multiplier=6.0, logits_scaling=4.0,
            residual_multiplier=0.6, attention_multiplier=0.125),
        embedding=0.25,
        published=dict(layer_types=["mamba", "attention", "mamba"])),
    "granitehybrid-moe": Family(
        "GraniteMoeHybridForCausalLM", "GraniteMoeHybridConfig",
        HEADS | MAMBA | dict(
            layer_types=["linear_attention", "full_attention"],
            intermediate_size=32, shared_intermediate_size=32,
            num_local_experts=8, num_experts_per_tok=2,
            embedding_multiplier=6.0, logits_scaling=4.0,
            residual_multiplier=0.6, attention_multiplier=0.125),
        embedding=0.25,
        published=dict(layer_types=["mamba", "attention"])),
    "nemotron_h": Family(
        "NemotronHForCausalLM", "NemotronHConfig",
        HEADS | dict(
            num_hidden_layers=5,
            layer_types=["linear_attention", "mlp", "full_attention", "mlp",
                         "linear_attention"],
            head_dim=32, intermediate_size=128, ssm_state_size=32, n_groups=2,
            mamba_num_heads=4, mamba_head_dim=32, chunk_size=16),
        published=dict(num_hidden_layers=5, rms_norm_eps=1e-5,
                       hybrid_override_pattern="M-*-M"),
        unpublished=("num_experts_per_tok", "n_routed_experts", "n_group",
                     "topk_group", "layers_block_type")),
    "falcon-h1": Family(
        "FalconH1ForCausalLM", "FalconH1Config",
        HEADS | MAMBA | dict(
            mamba_d_ssm=128, intermediate_size=96, head_dim=16,
            mamba_rms_norm=True, mamba_norm_before_gate=False,
            # Powers of two: the converter multiplies them into the weights.
            embedding_multiplier=2.0, lm_head_multiplier=0.5,
            key_multiplier=2.0, attention_in_multiplier=0.5,
            attention_out_multiplier=0.5, ssm_in_multiplier=2.0,
            ssm_out_multiplier=0.5, mlp_multipliers=[2.0, 0.5],
            ssm_multipliers=[0.5, 2.0, 0.25, 1.0, 0.5])),
    "lfm2": Family(
        "Lfm2ForCausalLM", "Lfm2Config",
        HEADS | dict(intermediate_size=96, block_auto_adjust_ff_dim=False,
                     num_hidden_layers=3,
                     layer_types=["conv", "full_attention", "conv"])),
    "lfm2moe": Family(
        "Lfm2MoeForCausalLM", "Lfm2MoeConfig",
        NARROW_HEADS | dict(
            num_hidden_layers=3, num_dense_layers=1, num_experts=4,
            num_experts_per_tok=2, moe_intermediate_size=32,
            layer_types=["conv", "full_attention", "conv"])),
}

# Two heads of 32 see the whole text; a norm follows every addition.
ENCODER = dict(num_attention_heads=2, intermediate_size=96,
               max_position_embeddings=96, type_vocab_size=2)

ENCODERS = {
    "bert": Family("BertModel", "BertConfig", ENCODER,
                   outputs="embeddings", pooling="cls"),
    "nomic-bert": Family(
        "NomicBertModel", "NomicBertConfig",
        ENCODER | dict(rope_parameters=dict(rope_type="default",
                                            rope_theta=1000.0)),
        outputs="embeddings", pooling="mean",
        published=dict(
            n_positions=2048, max_trained_positions=2048,
            activation_function="swiglu", causal=False, prenorm=False,
            qkv_proj_bias=False, mlp_fc1_bias=False, mlp_fc2_bias=False,
            rotary_emb_fraction=1.0, rotary_emb_interleaved=False,
            rotary_emb_scale_base=None)),
    "jina-bert-v2": Family(
        "JinaBertModel", "BertConfig", ENCODER,
        outputs="embeddings", pooling="mean", architecture="JinaBertModel",
        rename=(("intermediate.dense", "mlp.gated_layers"),
                ("output.wo", "mlp.wo"),
                ("output.post_norm", "mlp.layernorm"))),
    "xlm-roberta-reranker": Family(
        "XLMRobertaForSequenceClassification", "XLMRobertaConfig",
        ENCODER | dict(pad_token_id=1, bos_token_id=0, num_labels=1,
                       max_position_embeddings=98, type_vocab_size=1),
        outputs="rank", pooling="rank"),
    "qwen3-embedding": Family(
        "Qwen3Model", "Qwen3Config",
        WIDE_HEADS | dict(intermediate_size=96, head_dim=32),
        outputs="embeddings", pooling="last"),
    "qwen3-reranker": Family(
        "Qwen3ForCausalLM", "Qwen3Config",
        WIDE_HEADS | dict(intermediate_size=96, head_dim=32,
                          tie_word_embeddings=True),
        outputs="rank", pooling="rank", embedding=0.25,
        published=dict(_name_or_path="Qwen3-Reranker")),
}

FAMILIES = DENSE | EXPERTS | RECURRENT | ENCODERS
