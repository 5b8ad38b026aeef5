/// IBM's Granite 3 mixtures of experts: Granite's multipliers, experts by the
/// softmax of the chosen, a shared expert in some.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"

namespace sinter {

static void build(ModelBuilder &model) {
  ModelSource &source = model.source();
  const double embedding = source.factor("embedding_scale");
  const double residual = source.factor("residual_scale");
  const double logits = source.factor("logit_scale");
  Experts::has(model);
  const Decoder d = model.decoder();
  Experts experts(model, d.feedForward);
  const int64_t shared = source.count("expert_shared_feed_forward_length", 0);
  const RopeAttr rope =
      model.rope(d, RopePairs::Interleaved, "rope_freqs.weight");
  experts.mentionShared(d);
  Rows x = model.scale(model.embed(d), embedding, "embed_scale");
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    const Rows attended = layer.attend(heads, Bias::Optional);
    x = layer.add(x, layer.scale(attended, residual, "attn_scale"), "attn_add");
    const Rows normed = layer.norm(x, "ffn_norm");
    const Rows fed =
        shared ? experts.ffnWithShared(layer, normed, Routing(),
                                       experts.sharedWidth(), SharedGate::None)
               : experts.ffn(layer, normed, Routing());
    x = layer.add(x, layer.scale(fed, residual, "ffn_scale"), "ffn_add");
  }
  // The key says what logits are divided by.
  model.head(x, d, {.scale = 1.0 / logits});
}

extern const Arch graniteMoeArch = {.name = "granitemoe", .build = build};

} // namespace sinter
