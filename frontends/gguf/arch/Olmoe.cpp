/// OLMoE (arXiv 2409.02060): pre-norm decoder, RMS norms of whole query and key
/// rows, experts by softmax whose weights stay as they are.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Experts::has(model);
  const Decoder d = model.decoder();
  Experts experts(model, d.feedForward);
  const Routing routing = Experts::routing(model, Scoring::Softmax, false);
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

extern const Arch olmoeArch = {.name = "olmoe", .build = build};

} // namespace sinter
