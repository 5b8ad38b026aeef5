/// Qwen3.5 and 3.6, dense: three layers of gated delta net (arXiv 2412.06464)
/// to one of full attention with partial rotation and a gate on its output.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Decoder d = model.decoder();
  skipPredictionLayers(model.source(), d);
  DeltaHybrid hybrid(model, d, DeltaProjections::Apart);
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    x = block.add(x, hybrid.mix(block, block.norm(x, "attn_norm")), "attn_add");
    x = block.add(x, block.gatedFfn(block.norm(x, "post_attention_norm")),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch qwen35Arch = {.name = "qwen35", .build = build};

} // namespace sinter
