/// GLM-4.5 (arXiv 2508.06471): grouped-query attention with partial rotation,
/// head norms in the large one; dense layers first, then experts by sigmoid
/// with a selection bias, and a shared one. The layers that predict further
/// tokens, last in the file, are left alone.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  Experts::has(model);
  Decoder d = model.decoder();
  skipPredictionLayers(model.source(), d);
  Experts experts(model, Experts::widthOf(model, d));
  const Extent shared = experts.sharedWidth();
  const Routing routing = Experts::routing(model, Scoring::Sigmoid, true);
  const ExpertLayers routed(model);
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  experts.mentionDense(d);
  ModelSource &asked = model.source();
  asked.mention("blk.0.attn_q_norm", d.keyWidth, {0, ""});
  asked.mention("blk.0.attn_k_norm", d.keyWidth, {0, ""});
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    Heads heads = layer.project(layer.norm(x, "attn_norm"));
    if (!asked.describes() && layer.has("attn_q_norm.weight"))
      heads = layer.normHeads(heads);
    x = layer.add(x, layer.attend(layer.rotate(heads, rope)), "attn_add");
    const Rows normed = layer.norm(x, "post_attention_norm");
    x = layer.add(x,
                  routed.has(layer.number())
                      ? experts.ffnWithShared(layer, normed, routing, shared,
                                              SharedGate::None)
                      : layer.gatedFfn(normed),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch glm4MoeArch = {.name = "glm4moe", .build = build};

} // namespace sinter
