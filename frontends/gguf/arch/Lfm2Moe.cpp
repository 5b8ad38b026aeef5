/// LFM2-8B-A1B and its relatives (arXiv 2511.23404): LFM2's short convolutions
/// and attention, with experts by sigmoid and a selection bias behind all but
/// the first layers.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Experts::has(model);
  const Decoder d = model.decoder(LayerKinds::Several);
  Experts experts(model, Experts::widthOf(model, d));
  const Routing routing = Experts::routing(model, Scoring::Sigmoid, true);
  const ExpertLayers routed(model);
  experts.mentionDense(d);
  ShortConvHybrid hybrid(model, d);
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    x = block.add(x, hybrid.mix(block, block.norm(x, "attn_norm")), "attn_add");
    const Rows read = block.norm(x, "ffn_norm");
    x = block.add(x,
                  routed.has(block.number()) ? experts.ffn(block, read, routing)
                                             : block.gatedFfn(read),
                  "ffn_add");
  }
  // The output norm goes by this name in LFM2's files.
  model.head(x, d, {.norm = "token_embd_norm"});
}

extern const Arch lfm2MoeArch = {.name = "lfm2moe", .build = build};

} // namespace sinter
