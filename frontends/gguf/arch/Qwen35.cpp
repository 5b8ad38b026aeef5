/// Qwen3.5 and 3.6, dense: three layers of gated delta net (arXiv 2412.06464)
/// to one of full attention with partial rotation and a gate on its output.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Decoder d = model.decoder();
  skipPredictionLayers(model.source(), d);
  const DeltaNet net = DeltaNet::of(model.source());
  const std::vector<bool> attention = attentionLayers(model.source(), d.layers);
  // Text has one position for all sections, so they rotate as one.
  model.source().ofLayers("rope.dimension_sections", 0);
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  const bool both = model.source().describes();
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    RecurrentLayer layer(model, d, block);
    const Rows normed = block.norm(x, "attn_norm");
    Rows mixed;
    if (both || attention[block.number()])
      mixed = layer.gatedAttention(normed, rope);
    if (both || !attention[block.number()])
      mixed = layer.deltaNet(layer.project(normed, net), net);
    x = block.add(x, mixed, "attn_add");
    x = block.add(x, block.gatedFfn(block.norm(x, "post_attention_norm")),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch qwen35Arch = {.name = "qwen35", .build = build};

} // namespace sinter
