/// Mistral 3 and Ministral 3: Llama's block, with YaRN for long contexts.
/// Their temperature by position has no op yet, so files that use it are
/// refused.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void refuseTemperature(ModelSource &source) {
  constexpr const char *kKey = "attention.temperature_scale";
  if (source.number(kKey, 0.0) != 0.0)
    source.refuse(source.keyName(kKey) +
                  " is not 0, but attention temperature by position is not "
                  "supported");
}

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  model.refuseExperts();
  refuseTemperature(model.source());
  const RopeAttr rope =
      model.rope(d, RopePairs::Interleaved, "rope_freqs.weight");
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Rows h = layer.norm(x, "attn_norm");
    Rows q = layer.matmul(h, "attn_q", d.queries(), Bias::Optional);
    Rows k = layer.matmul(h, "attn_k", d.keys(), Bias::Optional);
    const Rows v = layer.matmul(h, "attn_v", d.values(), Bias::Optional);
    q = layer.rope(q, rope, d.heads, "q_rope");
    k = layer.rope(k, rope, d.cacheHeads, "k_rope");
    Rows o = layer.attention(q, k, v);
    o = layer.matmul(o, "attn_output", d.hidden, Bias::Optional);
    x = layer.add(x, o, "attn_add");
    const Rows f = layer.gatedFfn(layer.norm(x, "ffn_norm"), Bias::Optional);
    x = layer.add(x, f, "ffn_add");
  }
  model.head(x, d);
}

extern const Arch mistral3Arch = {.name = "mistral3", .build = build};

} // namespace sinter
