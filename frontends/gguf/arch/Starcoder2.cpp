/// StarCoder2 (arXiv 2402.19173): pre-norm decoder with layer norms, biases and
/// GELU without a gate. Of the window that the paper names, the reference
/// implementation (llama.cpp) knows nothing, and neither do we.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder(Norm::Layer);
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    x = layer.add(x, layer.attend(heads, Bias::Optional), "attn_add");
    x = layer.add(x,
                  layer.plainFfn(layer.norm(x, "ffn_norm"), Activation::Gelu,
                                 Bias::Optional),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch starcoder2Arch = {.name = "starcoder2", .build = build};

} // namespace sinter
