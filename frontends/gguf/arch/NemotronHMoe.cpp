/// Nemotron 3's mixtures of experts: Nemotron-H's layers (arXiv 2504.03624),
/// with experts by sigmoid, without gates, in place of feed-forward blocks.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  ModelSource &asked = model.source();
  Experts::has(model);
  Decoder d = hybridDecoder(model);
  skipPredictionLayers(asked, d);
  const Mamba2 sizes = Mamba2::of(asked);
  Experts experts(model, Experts::widthOf(model, d));
  const Extent shared = experts.sharedWidth();
  const Routing routing = Experts::routing(model, Scoring::Sigmoid, false);
  const auto cacheHeads =
      asked.ofLayers("attention.head_count_kv", d.layers.value);
  const auto widths = asked.ofLayers("feed_forward_length", d.layers.value);
  const bool all = asked.describes();
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    RecurrentLayer layer(model, d, block);
    const Rows normed = block.norm(x, "attn_norm");
    const unsigned i = block.number();
    const bool feeds = !widths.empty() && widths[i] > 0;
    const bool attends = !feeds && !cacheHeads.empty() && cacheHeads[i] > 0;
    Rows mixed;
    if (all || feeds)
      mixed = experts.squaredReluFfn(block, normed, routing, shared);
    if (all || attends)
      mixed = block.attend(block.project(normed), Bias::Optional);
    if (all || (!feeds && !attends))
      mixed = layer.mamba2(normed, sizes, Need::Required);
    x = block.add(mixed, x, "layer_add");
  }
  model.head(x, d);
}

extern const Arch nemotronHMoeArch = {.name = "nemotron_h_moe", .build = build};

} // namespace sinter
