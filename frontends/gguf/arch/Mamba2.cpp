/// Mamba-2 (arXiv 2405.21060): each layer a short convolution and a scan with
/// a decay per head, behind one projection; no attention.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Recurrent.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = model.decoder(LayerKinds::WithoutAttention);
  const Mamba2 sizes = Mamba2::of(model.source());
  Rows x = model.embed(d);
  for (Block &block : model.blocks(d)) {
    RecurrentLayer layer(model, d, block);
    x = block.add(
        x, layer.mamba2(block.norm(x, "attn_norm"), sizes, Need::Required),
        "ssm_add");
  }
  model.head(x, d);
}

extern const Arch mamba2Arch = {.name = "mamba2", .build = build};

} // namespace sinter
