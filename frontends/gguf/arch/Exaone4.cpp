/// EXAONE 4.0 (arXiv 2507.11407): norms after each block only, RMS norms on
/// each query and key head; the 32B model attends to windows in three layers of
/// four, and only these rotate.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

/// Other models than the 32B attend to everything, whatever window their files
/// name: so the reference implementation (llama.cpp) computes them.
static constexpr int64_t kLayersOf32B = 64;

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder();
  const RopeAttr rope = model.rope(d, RopePairs::Halves, "rope_freqs.weight");
  const bool has = d.layers.value == kLayersOf32B;
  const Windows windows(model.source(), has ? d.layers : Extent{0, "0"},
                        {.length = 4096, .period = 4});
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const int64_t window = windows.of(layer.number());
    Heads heads = layer.normHeads(layer.project(x));
    if (window || !windows.any())
      heads = layer.rotate(heads, rope);
    const Rows attended = layer.attend(heads, {.window = window});
    x = layer.add(x, layer.norm(attended, "post_attention_norm"), "attn_add");
    x = layer.add(x, layer.norm(layer.gatedFfn(x), "post_ffw_norm"), "ffn_add");
  }
  model.head(x, d);
}

extern const Arch exaone4Arch = {.name = "exaone4", .build = build};

} // namespace sinter
