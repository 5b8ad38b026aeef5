/// Llama 1 to 3 and the many models of their shape (arXiv 2302.13971,
/// 2407.21783): pre-norm decoder, grouped-query attention, SwiGLU. Llama 3.1's
/// context extension comes as a table of frequency factors.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
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

extern const Arch llamaArch = {.name = "llama", .build = build};

} // namespace sinter
