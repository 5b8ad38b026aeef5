/// Mistral 3 and Ministral 3: Llama's block, with YaRN for long contexts and,
/// in Ministral, queries that sharpen beyond the original context.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope =
      model.rope(d, RopePairs::Interleaved, "rope_freqs.weight");
  const RopeAttr queryRope = model.queryRope(rope, d);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads = layer.rotate(layer.project(layer.norm(x, "attn_norm")),
                                     queryRope, rope);
    x = layer.add(x, layer.attend(heads, Bias::Optional), "attn_add");
    x = layer.add(x, layer.gatedFfn(layer.norm(x, "ffn_norm"), Bias::Optional),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch mistral3Arch = {.name = "mistral3", .build = build};

} // namespace sinter
