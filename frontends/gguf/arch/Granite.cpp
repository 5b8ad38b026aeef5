/// Granite 3 and 4 (dense): Llama's block with multipliers on the embedding,
/// the scores, what each block adds, and the logits.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  ModelSource &source = model.source();
  const double embedding = source.factor("embedding_scale");
  const double residual = source.factor("residual_scale");
  const double logits = source.factor("logit_scale");
  const Decoder d = model.decoder();
  const RopeAttr rope =
      model.rope(d, RopePairs::Interleaved, "rope_freqs.weight");
  Rows x = model.scale(model.embed(d), embedding, "embed_scale");
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    const Rows attended = layer.attend(heads, Bias::Optional);
    x = layer.add(x, layer.scale(attended, residual, "attn_scale"), "attn_add");
    const Rows fed = layer.gatedFfn(layer.norm(x, "ffn_norm"), Bias::Optional);
    x = layer.add(x, layer.scale(fed, residual, "ffn_scale"), "ffn_add");
  }
  // The key says what logits are divided by.
  model.head(x, d, {.scale = 1.0 / logits});
}

extern const Arch graniteArch = {.name = "granite", .build = build};

} // namespace sinter
