/// SmolLM3: Llama's block, of which every fourth does not rotate its heads
/// (arXiv 2501.18795).
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

/// Files do not say it.
static constexpr unsigned kUnrotatedPeriod = 4;

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope = model.rope(d, RopePairs::Interleaved);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    Heads heads = layer.project(layer.norm(x, "attn_norm"));
    if ((layer.number() + 1) % kUnrotatedPeriod != 0)
      heads = layer.rotate(heads, rope);
    x = layer.add(x, layer.attend(heads, Bias::Optional), "attn_add");
    x = layer.add(x, layer.gatedFfn(layer.norm(x, "ffn_norm"), Bias::Optional),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch smollm3Arch = {.name = "smollm3", .build = build};

} // namespace sinter
