/// Phi-3, Phi-3.5 and Phi-4-mini (arXiv 2404.14219, 2503.01743): pre-norm
/// decoder whose query, key and value are one tensor, as are gate and up; part
/// of each head rotates; LongRoPE. Where the file has a window, each layer has
/// it, as in the definition (transformers); llama.cpp leaves it out.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const Windows windows(model.source(), d.layers, {.period = 0});
  const RopeAttr rope = model.longRope(model.rope(d, RopePairs::Halves), d);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.projectJoined(layer.norm(x, "attn_norm")), rope);
    const AttentionOptions options = {.bias = Bias::Optional,
                                      .window = windows.of(layer.number())};
    x = layer.add(x, layer.attend(heads, options), "attn_add");
    x = layer.add(x, layer.joinedFfn(layer.norm(x, "ffn_norm"), Gate::Silu),
                  "ffn_add");
  }
  model.head(x, d, Bias::Optional);
}

extern const Arch phi3Arch = {.name = "phi3", .build = build};

} // namespace sinter
