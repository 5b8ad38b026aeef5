/// Qwen1.5's and Qwen2's mixtures of experts (arXiv 2407.10671): Qwen2's
/// attention, experts by softmax, and a shared expert behind a sigmoid gate.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Experts::has(model);
  const Decoder d = model.decoder();
  Experts experts(model, Experts::widthOf(model, d));
  const Extent shared =
      model.source().size("expert_shared_feed_forward_length", d.feedForward);
  const Routing routing = Experts::routing(model, Scoring::Softmax, false);
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    x = layer.add(x, layer.attend(heads), "attn_add");
    x = layer.add(x,
                  experts.ffnWithShared(layer, layer.norm(x, "ffn_norm"),
                                        routing, shared),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch qwen2MoeArch = {.name = "qwen2moe", .build = build};

} // namespace sinter
