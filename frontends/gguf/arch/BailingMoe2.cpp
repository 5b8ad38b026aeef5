/// Ling 2.0 (arXiv 2510.22115): query, key and value in one matrix, head norms,
/// partial rotation; dense layers first, then experts of groups by sigmoid with
/// a selection bias, and shared ones.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Experts::has(model);
  Decoder d = model.decoder();
  skipPredictionLayers(model.source(), d);
  Experts experts(model, Experts::widthOf(model, d));
  const Extent shared =
      model.source().size("expert_shared_count", Extent{1, "1"}) *
      model.source().size("expert_shared_feed_forward_length",
                          Experts::widthOf(model, d));
  const Routing routing = Experts::routing(model, Scoring::Sigmoid, false);
  const ExpertLayers routed(model);
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  experts.mentionDense(d);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    Heads heads =
        layer.normHeads(layer.projectJoined(layer.norm(x, "attn_norm")));
    x = layer.add(x, layer.attend(layer.rotate(heads, rope), Bias::Optional),
                  "attn_add");
    const Rows normed = layer.norm(x, "ffn_norm");
    x = layer.add(x,
                  routed.has(layer.number())
                      ? experts.ffnWithShared(layer, normed, routing, shared,
                                              SharedGate::None)
                      : layer.gatedFfn(normed),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch bailingMoe2Arch = {.name = "bailingmoe2", .build = build};

} // namespace sinter
