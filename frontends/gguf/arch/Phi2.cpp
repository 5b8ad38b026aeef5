/// Phi-1, Phi-1.5 and Phi-2 (arXiv 2306.11644, 2309.05463): one layer norm
/// feeds attention and a feed-forward block without a gate, which run in
/// parallel; biases everywhere; part of each head rotates.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder(Norm::Layer);
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  // Files of 2023 have query, key and value in one tensor.
  model.source().mention("blk.0.attn_qkv", d.hidden,
                         d.queries() + d.keys() + d.values());
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Rows normed = layer.norm(x, "attn_norm");
    const Heads heads = layer.hasOptional("attn_qkv.weight")
                            ? layer.projectJoined(normed)
                            : layer.project(normed);
    const Rows attended =
        layer.attend(layer.rotate(heads, rope), Bias::Optional);
    const Rows fed = layer.plainFfn(normed, Activation::Gelu, Bias::Optional);
    x = layer.add(layer.add(x, fed, "ffn_add"), attended, "attn_add");
  }
  model.head(x, d, Bias::Optional);
}

extern const Arch phi2Arch = {.name = "phi2", .build = build};

} // namespace sinter
