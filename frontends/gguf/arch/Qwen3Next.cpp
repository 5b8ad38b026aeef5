/// Qwen3-Next: gated delta nets (arXiv 2412.06464) with beta and alpha in one
/// matrix and the paper's order of heads, every fourth layer gated attention;
/// experts by softmax and a shared expert behind a sigmoid gate.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

/// Older files hold attn_qkv and attn_gate in one matrix, ssm_in. Where both
/// forms are there, as llama.cpp allows, it is the joined one that goes unused.
static void skipJoinedProjection(ModelSource &asked, const Block &block) {
  const std::string layer = "blk." + std::to_string(block.number()) + ".";
  if (asked.hasOptional(layer + "ssm_in.weight") &&
      asked.hasOptional(layer + "attn_qkv.weight"))
    asked.skipTensors(layer + "ssm_in.",
                      "attn_qkv and attn_gate in one, not used");
}

static void build(ModelBuilder &model) {
  ModelSource &asked = model.source();
  Experts::has(model);
  Decoder d = model.decoder();
  skipPredictionLayers(asked, d);
  Experts experts(model, Experts::widthOf(model, d));
  const Extent shared =
      asked.size("expert_shared_feed_forward_length", d.feedForward);
  const Routing routing = Experts::routing(model, Scoring::Softmax, true);
  DeltaHybrid hybrid(model, d, DeltaProjections::Joined);
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    skipJoinedProjection(asked, block);
    x = block.add(x, hybrid.mix(block, block.norm(x, "attn_norm")), "attn_add");
    const Rows fed = block.norm(x, "post_attention_norm");
    x = block.add(x, experts.ffnWithShared(block, fed, routing, shared),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch qwen3NextArch = {.name = "qwen3next", .build = build};

} // namespace sinter
