/// Seed-OSS: Qwen2's block with heads wider than hidden / heads; the norm
/// before the feed-forward block is called post_attention_norm.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    x = layer.add(x, layer.attend(heads, Bias::Optional), "attn_add");
    x = layer.add(x, layer.gatedFfn(layer.norm(x, "post_attention_norm")),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch seedOssArch = {.name = "seed_oss", .build = build};

} // namespace sinter
