/// Nemotron-H (arXiv 2504.03624): each layer is one of Mamba-2, attention
/// without rotation, or a feed-forward block with squared ReLU.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  ModelSource &asked = model.source();
  Decoder d = model.decoder(LayerKinds::Several);
  skipPredictionLayers(asked, d);
  const Mamba2 sizes = Mamba2::of(asked);
  const std::vector<LayerKind> kinds = layerKinds(asked, d.layers);
  const bool all = asked.describes();
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    RecurrentLayer layer(model, d, block);
    const Rows normed = block.norm(x, "attn_norm");
    const LayerKind kind = kinds[block.number()];
    Rows mixed;
    if (all || kind == LayerKind::FeedForward)
      mixed = layer.squaredReluFfn(normed);
    if (all || kind == LayerKind::Attention)
      mixed = block.attend(block.project(normed), Bias::Optional);
    if (all || kind == LayerKind::StateSpace)
      mixed = layer.mamba2(normed, sizes, Need::Required);
    x = block.add(mixed, x, "layer_add");
  }
  model.head(x, d);
}

extern const Arch nemotronHArch = {.name = "nemotron_h", .build = build};

} // namespace sinter
