/// ERNIE 4.5 (dense): Llama's block.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope = model.rope(d, RopePairs::Interleaved);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    x = layer.add(x, layer.attend(heads, Bias::Optional), "attn_add");
    x = layer.add(x, layer.gatedFfn(layer.norm(x, "ffn_norm")), "ffn_add");
  }
  model.head(x, d);
}

extern const Arch ernie45Arch = {.name = "ernie4_5", .build = build};

} // namespace sinter
