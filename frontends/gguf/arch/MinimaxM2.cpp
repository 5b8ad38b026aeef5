/// MiniMax-M2 (MiniMax's model card of 2025): RMS norms of whole query and key
/// rows, partial rotation, experts by sigmoid with a selection bias.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Experts::has(model);
  const Decoder d = model.decoder();
  Experts experts(model, Experts::widthOf(model, d));
  const Routing routing = Experts::routing(model, Scoring::Sigmoid, true);
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads = layer.rotate(
        layer.normRows(layer.project(layer.norm(x, "attn_norm"))), rope);
    x = layer.add(x, layer.attend(heads), "attn_add");
    x = layer.add(x, experts.ffn(layer, layer.norm(x, "ffn_norm"), routing),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch minimaxM2Arch = {.name = "minimax-m2", .build = build};

} // namespace sinter
