/// Nemotron 3's mixtures of experts: Nemotron-H's layers (arXiv 2504.03624),
/// with experts by sigmoid, without gates, in place of feed-forward blocks.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  ModelSource &asked = model.source();
  Experts::has(model);
  Decoder d = model.decoder(LayerKinds::Several);
  skipPredictionLayers(asked, d);
  const Mamba2 sizes = Mamba2::of(asked);
  Experts experts(model, Experts::widthOf(model, d));
  const Extent shared = experts.sharedWidth();
  const Routing routing = Experts::routing(model, Scoring::Sigmoid, false);
  const std::vector<LayerKind> kinds = layerKinds(asked, d.layers);
  const bool all = asked.describes();
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    RecurrentLayer layer(model, d, block);
    const Rows normed = block.norm(x, "attn_norm");
    const LayerKind kind = kinds[block.number()];
    Rows mixed;
    if (all || kind == LayerKind::FeedForward)
      mixed = experts.squaredReluFfn(block, normed, routing, shared);
    if (all || kind == LayerKind::Attention)
      mixed = block.attend(block.project(normed), Bias::Optional);
    if (all || kind == LayerKind::StateSpace)
      mixed = layer.mamba2(normed, sizes, Need::Required);
    x = block.add(mixed, x, "layer_add");
  }
  model.head(x, d);
}

extern const Arch nemotronHMoeArch = {.name = "nemotron_h_moe", .build = build};

} // namespace sinter
