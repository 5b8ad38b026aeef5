/// DeepSeek-V2 and V3 (arXiv 2405.04434, 2412.19437), Kimi K2 and what is
/// shaped like them: multi-head latent attention; dense layers first, then
/// experts, chosen among groups by softmax or by sigmoid with a selection bias,
/// and shared ones. The layers that predict further tokens are left alone.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"
#include "frontends/gguf/Latent.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Experts::has(model);
  Decoder d = model.decoder();
  skipPredictionLayers(model.source(), d);
  LatentAttention attention(model, d);
  Experts experts(model, Experts::widthOf(model, d));
  const Extent shared = experts.sharedWidth();
  const ExpertLayers routed(model);
  // Files from before expert_gating_func: only sigmoids have such a bias.
  const std::string last =
      "blk." + std::to_string(d.layers.value - 1) + ".exp_probs_b.bias";
  Routing routing = Experts::routing(
      model,
      model.source().hasOptional(last) ? Scoring::Sigmoid : Scoring::Softmax,
      false);
  // V2's groups are as good as their best expert (arXiv 2405.04434), V3's as
  // their two best.
  if (routing.scoring == Scoring::Softmax)
    routing.groupBest = 1;
  experts.mentionDense(d);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    x = layer.add(x, attention.attend(layer, layer.norm(x, "attn_norm")),
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

extern const Arch deepseek2Arch = {.name = "deepseek2", .build = build};

} // namespace sinter
