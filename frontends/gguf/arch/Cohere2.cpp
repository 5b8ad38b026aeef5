/// Command R7B and Command A (arXiv 2504.00698): Command R's parallel blocks,
/// of which three in four attend to a window and rotate; the fourth sees the
/// whole text and does not rotate.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const double logits = model.source().number("logit_scale", 1.0);
  const Decoder d = model.decoder(Norm::Layer);
  const RopeAttr rope = model.rope(d, RopePairs::Interleaved);
  const Windows windows(model.source(), d.layers,
                        {.length = 4096, .period = 4});
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Rows normed = layer.norm(x, "attn_norm");
    const int64_t window = windows.of(layer.number());
    Heads heads = layer.project(normed);
    if (window)
      heads = layer.rotate(heads, rope);
    const Rows attended =
        layer.attend(heads, {.bias = Bias::Optional, .window = window});
    const Rows both = layer.add(x, layer.gatedFfn(normed), "ffn_add");
    x = layer.add(both, attended, "attn_add");
  }
  model.head(x, d, {.scale = logits == 0.0 ? 1.0 : logits});
}

extern const Arch cohere2Arch = {.name = "cohere2", .build = build};

} // namespace sinter
