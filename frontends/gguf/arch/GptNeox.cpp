/// GPT-NeoX, Pythia and what is shaped like them (arXiv 2204.06745,
/// 2304.01373): layer norms, biases, GELU without a gate, query, key and value
/// in one tensor, of which a quarter rotates. Usually both blocks read the same
/// rows, each through a norm of its own.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const bool parallel = model.source().flag("use_parallel_residual", true);
  const Decoder d = model.decoder(Norm::Layer);
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.projectJoined(layer.norm(x, "attn_norm")), rope);
    const Rows attended =
        layer.add(x, layer.attend(heads, Bias::Optional), "attn_add");
    const Rows normed = layer.norm(parallel ? x : attended, "ffn_norm");
    x = layer.add(attended,
                  layer.plainFfn(normed, Activation::GeluErf, Bias::Optional),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch gptNeoxArch = {.name = "gptneox", .build = build};

} // namespace sinter
