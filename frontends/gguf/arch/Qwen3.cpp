/// Qwen3 (arXiv 2505.09388): pre-norm decoder, grouped-query attention with
/// RMS norms on each query and key head, SwiGLU.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    Heads heads = layer.normHeads(layer.project(layer.norm(x, "attn_norm")));
    heads = layer.rotate(heads, rope);
    x = layer.add(x, layer.attend(heads), "attn_add");
    x = layer.add(x, layer.gatedFfn(layer.norm(x, "ffn_norm")), "ffn_add");
  }
  // The reranker's head has a row for yes and one for no.
  model.head(x, d, {.softmaxScores = true});
}

extern const Arch qwen3Arch = {.name = "qwen3", .build = build};

} // namespace sinter
