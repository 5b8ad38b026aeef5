/// OLMo 2 and OLMo 3 (arXiv 2501.00656): norms after each block only, RMS norms
/// on the whole rows of queries and keys; in OLMo 3 three of four layers attend
/// to a window and rotate without YaRN.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  const RopeAttr localRope =
      model.localRope(rope, rope.getBase().getValueAsDouble());
  const Windows windows(model.source(), d.layers, {.length = 0, .period = 4});
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const int64_t window = windows.of(layer.number());
    const Heads heads = layer.rotate(layer.normRows(layer.project(x)),
                                     window ? localRope : rope);
    const Rows attended = layer.attend(heads, {.window = window});
    x = layer.add(x, layer.norm(attended, "post_attention_norm"), "attn_add");
    x = layer.add(x, layer.norm(layer.gatedFfn(x), "post_ffw_norm"), "ffn_add");
  }
  model.head(x, d);
}

extern const Arch olmo2Arch = {.name = "olmo2", .build = build};

} // namespace sinter
