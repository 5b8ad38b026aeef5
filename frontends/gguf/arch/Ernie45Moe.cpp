/// ERNIE 4.5's mixtures of experts (Baidu's technical report of 2025): dense
/// layers first, then experts by softmax with a selection bias, and shared
/// ones.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Experts::has(model);
  const Decoder d = model.decoder();
  Experts experts(model, Experts::widthOf(model, d));
  const int64_t shared =
      model.source().count("expert_shared_feed_forward_length", 0);
  const Routing routing = Experts::routing(model, Scoring::Softmax, true);
  const ExpertLayers routed(model);
  const RopeAttr rope = model.rope(d, RopePairs::Interleaved);
  experts.mentionDense(d);
  experts.mentionShared(d);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    x = layer.add(x, layer.attend(heads), "attn_add");
    const Rows normed = layer.norm(x, "ffn_norm");
    Rows fed;
    if (!routed.has(layer.number()))
      fed = layer.gatedFfn(normed);
    else if (shared)
      fed = experts.ffnWithShared(layer, normed, routing, experts.sharedWidth(),
                                  SharedGate::None);
    else
      fed = experts.ffn(layer, normed, routing);
    x = layer.add(x, fed, "ffn_add");
  }
  model.head(x, d);
}

extern const Arch ernie45MoeArch = {.name = "ernie4_5-moe", .build = build};

} // namespace sinter
