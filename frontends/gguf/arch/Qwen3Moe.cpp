/// Qwen3's mixtures of experts (arXiv 2505.09388): Qwen3's attention, then
/// experts by softmax, their weights normalised.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Experts::has(model);
  const Decoder d = model.decoder();
  Experts experts(model, Experts::widthOf(model, d));
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    Heads heads = layer.normHeads(layer.project(layer.norm(x, "attn_norm")));
    heads = layer.rotate(heads, rope);
    x = layer.add(x, layer.attend(heads), "attn_add");
    x = layer.add(x, experts.ffn(layer, layer.norm(x, "ffn_norm"), Routing()),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch qwen3MoeArch = {.name = "qwen3moe", .build = build};

} // namespace sinter
