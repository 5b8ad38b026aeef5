/// Command R and Command R+: one layer norm feeds attention and feed-forward
/// block, which run in parallel; R+ norms each query and key head; the logits
/// have a multiplier.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const double logits = model.source().number("logit_scale", 1.0);
  const Decoder d = model.decoder(Norm::Layer);
  const RopeAttr rope = model.rope(d, RopePairs::Interleaved);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Rows normed = layer.norm(x, "attn_norm");
    Heads heads = layer.project(normed);
    if (layer.has("attn_q_norm.weight"))
      heads = layer.layerNormHeads(heads);
    const Rows attended =
        layer.attend(layer.rotate(heads, rope), Bias::Optional);
    const Rows both = layer.add(x, layer.gatedFfn(normed), "ffn_add");
    x = layer.add(both, attended, "attn_add");
  }
  model.head(x, d, {.scale = logits == 0.0 ? 1.0 : logits});
}

extern const Arch commandRArch = {.name = "command-r", .build = build};

} // namespace sinter
