/// Qwen2 and Qwen2.5 (arXiv 2407.10671): pre-norm decoder, grouped-query
/// attention with biases on query, key and value, SwiGLU.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Rows h = layer.norm(x, "attn_norm");
    Rows q = layer.matmul(h, "attn_q", d.queries(), Bias::Optional);
    Rows k = layer.matmul(h, "attn_k", d.keys(), Bias::Optional);
    const Rows v = layer.matmul(h, "attn_v", d.values(), Bias::Optional);
    q = layer.rope(q, rope, d.heads, "q_rope");
    k = layer.rope(k, rope, d.cacheHeads, "k_rope");
    const Rows o = layer.attention(q, k, v);
    x = layer.add(x, layer.matmul(o, "attn_output", d.hidden), "attn_add");
    x = layer.add(x, layer.gatedFfn(layer.norm(x, "ffn_norm")), "ffn_add");
  }
  model.head(x, d, Bias::Optional);
}

extern const Arch qwen2Arch = {.name = "qwen2", .build = build};

} // namespace sinter
