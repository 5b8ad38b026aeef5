/// LFM2 (arXiv 2511.23404): gated short convolutions, and every few layers
/// attention with norms on its heads; SwiGLU behind each.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  ModelSource &asked = model.source();
  const Decoder d = model.decoder(LayerKinds::Several);
  const Extent taps = asked.size("shortconv.l_cache");
  const std::vector<int64_t> cacheHeads =
      asked.ofEachLayer("attention.head_count_kv", d.layers.value);
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  const bool both = asked.describes();
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    RecurrentLayer layer(model, d, block);
    const Rows normed = block.norm(x, "attn_norm");
    const bool attends = cacheHeads[block.number()] > 0;
    Rows mixed;
    if (both || attends)
      mixed = block.attend(
          block.rotate(block.normHeads(block.project(normed)), rope));
    if (both || !attends)
      mixed = layer.shortConvBlock(normed, taps);
    x = block.add(x, mixed, "attn_add");
    x = block.add(x, block.gatedFfn(block.norm(x, "ffn_norm")), "ffn_add");
  }
  // The output norm goes by this name in LFM2's files.
  model.head(x, d, {.norm = "token_embd_norm"});
}

extern const Arch lfm2Arch = {.name = "lfm2", .build = build};

} // namespace sinter
