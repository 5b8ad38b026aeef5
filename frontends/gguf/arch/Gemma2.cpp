/// Gemma 2 (arXiv 2408.00118): norms before and after each block, soft-caps on
/// scores and logits, every other layer attends to a window, GeGLU.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

#include <cmath>

namespace sinter {

/// The 27B model divides scores by the root of hidden / heads, not of a head's
/// width; files do not say so.
static constexpr int64_t kLayersOf27B = 46;

static void build(ModelBuilder &model) {
  const double scoreCap = model.source().number("attn_logit_softcapping", 50.0);
  const double logitCap =
      model.source().number("final_logit_softcapping", 30.0);
  Decoder d = model.decoder();
  if (d.attentionScale == 0.0 && d.layers.value == kLayersOf27B)
    d.attentionScale = 1.0 / std::sqrt(double((d.hidden / d.heads).value));
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  const Windows windows(model.source(), d.layers,
                        {.length = 4096, .period = 2});
  Rows x = model.scale(model.embed(d), std::sqrt(double(d.hidden.value)),
                       "embed_scale");
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    const Rows attended = layer.attend(
        heads, {.window = windows.of(layer.number()), .softcap = scoreCap});
    x = layer.add(x, layer.norm(attended, "post_attention_norm"), "attn_add");
    const Rows fed = layer.gatedFfn(layer.norm(x, "ffn_norm"), Gate::Gelu);
    x = layer.add(x, layer.norm(fed, "post_ffw_norm"), "ffn_add");
  }
  model.head(x, d, {.softcap = logitCap});
}

extern const Arch gemma2Arch = {.name = "gemma2", .build = build};

} // namespace sinter
