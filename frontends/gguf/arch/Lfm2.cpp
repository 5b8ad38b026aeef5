/// LFM2 (arXiv 2511.23404): gated short convolutions, and every few layers
/// attention with norms on its heads; SwiGLU behind each.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder(LayerKinds::Several);
  ShortConvHybrid hybrid(model, d);
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    x = block.add(x, hybrid.mix(block, block.norm(x, "attn_norm")), "attn_add");
    x = block.add(x, block.gatedFfn(block.norm(x, "ffn_norm")), "ffn_add");
  }
  // The output norm goes by this name in LFM2's files.
  model.head(x, d, {.norm = "token_embd_norm"});
}

extern const Arch lfm2Arch = {.name = "lfm2", .build = build};

} // namespace sinter
