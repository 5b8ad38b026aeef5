/// Hunyuan dense (0.5B to 7B): Llama's block whose query and key heads get an
/// RMS norm after their rotation. A rope scaling by alpha is a larger base.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope =
      model.alphaRope(model.rope(d, RopePairs::Halves, "rope_freqs.weight"));
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads = layer.normHeads(
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope));
    x = layer.add(x, layer.attend(heads), "attn_add");
    x = layer.add(x, layer.gatedFfn(layer.norm(x, "ffn_norm")), "ffn_add");
  }
  model.head(x, d);
}

extern const Arch hunyuanDenseArch = {.name = "hunyuan-dense", .build = build};

} // namespace sinter
