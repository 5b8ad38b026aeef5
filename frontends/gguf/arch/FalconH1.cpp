/// Falcon-H1 (arXiv 2507.22448): attention and Mamba-2 side by side on the same
/// normed rows, then SwiGLU. Converters have put its multipliers into weights.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder(LayerKinds::Several);
  const Mamba2 sizes = Mamba2::of(model.source());
  const RopeAttr rope = model.rope(d, RopePairs::Halves);
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    RecurrentLayer layer(model, d, block);
    const Rows normed = block.norm(x, "attn_norm");
    const Rows attended =
        block.attend(block.rotate(block.project(normed), rope), Bias::Optional);
    const Rows scanned = layer.mamba2(normed, sizes, Need::Optional);
    x = block.add(block.add(attended, scanned, "mixer_add"), x, "attn_add");
    // Files have this norm's weight without a suffix.
    const Rows fed =
        block.gatedFfn(layer.normNamed(x, "ffn_norm"), Bias::Optional);
    x = block.add(fed, x, "ffn_add");
  }
  model.head(x, d);
}

extern const Arch falconH1Arch = {.name = "falcon-h1", .build = build};

} // namespace sinter
