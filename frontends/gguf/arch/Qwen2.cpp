/// Qwen2 and Qwen2.5 (arXiv 2407.10671): pre-norm decoder, grouped-query
/// attention with biases on query, key and value, SwiGLU.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    x = layer.add(x, layer.attend(heads), "attn_add");
    x = layer.add(x, layer.gatedFfn(layer.norm(x, "ffn_norm")), "ffn_add");
  }
  model.head(x, d, Bias::Optional);
}

extern const Arch qwen2Arch = {.name = "qwen2", .build = build};

} // namespace sinter
