/// Nemotron and Minitron (arXiv 2402.16819, 2407.14679): pre-norm decoder with
/// layer norms, squared ReLU without a gate, and heads of which a part rotates.
/// Files hold the norms' weights with the 1 that the definition adds to them.
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
                  layer.plainFfn(layer.norm(x, "ffn_norm"), Activation::Relu2,
                                 Bias::Optional),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch nemotronArch = {.name = "nemotron", .build = build};

} // namespace sinter
