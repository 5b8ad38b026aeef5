/// Qwen3.5's and 3.6's mixtures of experts: the dense ones' gated delta nets
/// (arXiv 2412.06464) and gated attention, then experts by softmax, their
/// weights normalised, and a shared expert behind a sigmoid gate.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  ModelSource &asked = model.source();
  Experts::has(model);
  // Every layer has experts: the files have no feed_forward_length.
  Decoder d = model.decoder(LayerKinds::Several);
  skipPredictionLayers(asked, d);
  Experts experts(model, asked.size("expert_feed_forward_length"));
  const Extent shared =
      asked.size("expert_shared_feed_forward_length", d.feedForward);
  const Routing routing = Experts::routing(model, Scoring::Softmax, true);
  DeltaHybrid hybrid(model, d, DeltaProjections::Apart);
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    x = block.add(x, hybrid.mix(block, block.norm(x, "attn_norm")), "attn_add");
    const Rows fed = block.norm(x, "post_attention_norm");
    x = block.add(x, experts.ffnWithShared(block, fed, routing, shared),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch qwen35MoeArch = {.name = "qwen35moe", .build = build};

} // namespace sinter
