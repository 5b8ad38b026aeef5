/// Llama 1 to 3 and the many models of their shape (arXiv 2302.13971,
/// 2407.21783): pre-norm decoder, grouped-query attention, SwiGLU. Llama 3.1's
/// context extension comes as a table of frequency factors. Mixtral (arXiv
/// 2401.04088) is the same with experts, the softmax of its router's best.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const bool routed = Experts::has(model);
  const bool both = model.source().describes();
  const Decoder d = model.decoder();
  std::optional<Experts> experts;
  if (routed || both)
    experts.emplace(model, d.feedForward);
  const RopeAttr rope =
      model.rope(d, RopePairs::Interleaved, "rope_freqs.weight");
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    x = layer.add(x, layer.attend(heads, Bias::Optional), "attn_add");
    const Rows normed = layer.norm(x, "ffn_norm");
    Rows fed;
    if (experts)
      fed = experts->ffn(layer, normed, Routing());
    if (!routed)
      fed = layer.gatedFfn(normed, Bias::Optional);
    x = layer.add(x, fed, "ffn_add");
  }
  model.head(x, d);
}

extern const Arch llamaArch = {.name = "llama", .build = build};

} // namespace sinter
