/// GLM-4-0414 (arXiv 2406.12793): norms before and after each block, gate and
/// up in one tensor, part of each head rotates.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope = model.rope(d, RopePairs::Interleaved);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    x = layer.add(x, layer.norm(layer.attend(heads), "post_attention_norm"),
                  "attn_add");
    const Rows fed = layer.joinedFfn(layer.norm(x, "ffn_norm"), Gate::Silu);
    x = layer.add(x, layer.norm(fed, "post_ffw_norm"), "ffn_add");
  }
  model.head(x, d);
}

extern const Arch glm4Arch = {.name = "glm4", .build = build};

} // namespace sinter
