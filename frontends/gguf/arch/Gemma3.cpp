/// Gemma 3 (arXiv 2503.19786): Gemma 2's norms around each block, RMS norms on
/// each query and key head instead of soft-caps, five of six layers attend to a
/// window and rotate with a base of their own.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

#include <cmath>

namespace sinter {

/// The 27B model divides scores by the root of hidden / heads, not of a head's
/// width; files do not say so.
static constexpr int64_t kLayersOf27B = 62;

static void build(ModelBuilder &model) {
  const double logitCap = model.source().number("final_logit_softcapping", 0.0);
  Decoder d = model.decoder();
  if (d.attentionScale == 0.0 && d.layers.value == kLayersOf27B)
    d.attentionScale = 1.0 / std::sqrt(double((d.hidden / d.heads).value));
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  const RopeAttr localRope = model.localRope(rope, 10000.0);
  const Windows windows(model.source(), d.layers, {.length = 0, .period = 6});
  Rows x = model.scale(model.embed(d), std::sqrt(double(d.hidden.value)),
                       "embed_scale");
  for (Block &layer : model.blocks(d)) {
    const int64_t window = windows.of(layer.number());
    Heads heads = layer.normHeads(layer.project(layer.norm(x, "attn_norm")));
    heads = layer.rotate(heads, window ? localRope : rope);
    const Rows attended = layer.attend(heads, {.window = window});
    x = layer.add(x, layer.norm(attended, "post_attention_norm"), "attn_add");
    const Rows fed = layer.gatedFfn(layer.norm(x, "ffn_norm"), Gate::Gelu);
    x = layer.add(x, layer.norm(fed, "post_ffw_norm"), "ffn_add");
  }
  model.head(x, d, {.softcap = logitCap});
}

extern const Arch gemma3Arch = {.name = "gemma3", .build = build};

} // namespace sinter
