/// gpt-oss (arXiv 2508.10925): biases everywhere, YaRN, a sink for each head,
/// every second layer with a window, experts with a clamped SwiGLU whose
/// weights are the softmax of the chosen logits.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Experts::has(model);
  const Decoder d = model.decoder();
  Experts experts(model, Experts::widthOf(model, d));
  const Routing routing = {.scoring = Scoring::SoftmaxOfChosen,
                           .normalise = false};
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  const Windows windows(model.source(), d.layers, {.length = 0, .period = 2});
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    const Rows attended =
        layer.attend(heads, {.bias = Bias::Optional,
                             .window = windows.of(layer.number()),
                             .sinks = true});
    x = layer.add(x, attended, "attn_add");
    x = layer.add(x,
                  experts.ffn(layer, layer.norm(x, "post_attention_norm"),
                              routing, Bias::Optional, ExpertGate::ClampedSilu),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch gptOssArch = {.name = "gpt-oss", .build = build};

} // namespace sinter
