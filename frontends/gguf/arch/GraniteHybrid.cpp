/// Granite 4 hybrid: Mamba-2, and every few layers attention, mostly without
/// rotation; SwiGLU behind each, or experts beside a shared one; embedding,
/// residuals and logits scaled.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"
#include "frontends/gguf/Recurrent.h"

#include <optional>

namespace sinter {

static Rows feed(Block &block, const Rows &normed,
                 std::optional<Experts> &experts, bool shared) {
  if (!experts)
    return block.gatedFfn(normed, Bias::Optional);
  return shared
             ? experts->ffnWithShared(block, normed, Routing(),
                                      experts->sharedWidth(), SharedGate::None)
             : experts->ffn(block, normed, Routing());
}

static void build(ModelBuilder &model) {
  ModelSource &asked = model.source();
  const double embedded = asked.factor("embedding_scale");
  const double residual = asked.factor("residual_scale");
  const double logits = asked.factor("logit_scale");
  const bool mixes = Experts::has(model);
  const Decoder d = model.decoder(LayerKinds::Several);
  const Mamba2 sizes = Mamba2::of(asked);
  const auto cacheHeads =
      asked.ofEachLayer("attention.head_count_kv", d.layers.value);
  const bool rotates = asked.flag("rope.scaling.finetuned", true);
  const RopeAttr rope =
      model.rope(d, RopePairs::Interleaved, "rope_freqs.weight");
  const bool both = asked.describes();
  std::optional<Experts> experts;
  if (mixes || both)
    experts.emplace(model, d.feedForward);
  const int64_t shared = asked.count("expert_shared_feed_forward_length", 0);
  Rows x = model.scale(model.embed(d), embedded, "embed_scale");
  for (Block &block : model.blocks(d)) {
    RecurrentLayer layer(model, d, block);
    const Rows normed = block.norm(x, "attn_norm");
    const bool attends = cacheHeads[block.number()] > 0;
    Rows mixed;
    if (both || attends) {
      const Heads heads = block.project(normed);
      mixed = block.attend(rotates ? block.rotate(heads, rope) : heads,
                           Bias::Optional);
    }
    if (both || !attends)
      mixed = layer.mamba2(normed, sizes, Need::Required);
    x = block.add(model.scale(mixed, residual, "attn_scale"), x, "attn_add");
    const Rows fed =
        feed(block, block.norm(x, "ffn_norm"), experts, shared || both);
    if (both)
      block.gatedFfn(fed, Bias::Optional);
    x = block.add(model.scale(fed, residual, "ffn_scale"), x, "ffn_add");
  }
  model.head(x, d, {.scale = 1.0 / logits});
}

extern const Arch graniteHybridArch = {.name = "granitehybrid", .build = build};

} // namespace sinter
