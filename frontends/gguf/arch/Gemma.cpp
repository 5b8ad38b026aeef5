/// Gemma (arXiv 2403.08295): Llama's block with GeGLU, heads as wide as the
/// file says, and an embedding that is scaled by the root of its width.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

#include <cmath>

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  Rows x = model.scale(model.embed(d), std::sqrt(double(d.hidden.value)),
                       "embed_scale");
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    x = layer.add(x, layer.attend(heads), "attn_add");
    x = layer.add(x, layer.gatedFfn(layer.norm(x, "ffn_norm"), Gate::Gelu),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch gemmaArch = {.name = "gemma", .build = build};

} // namespace sinter
