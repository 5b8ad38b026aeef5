/// Nomic Embed (arXiv 2402.01613): BERT's blocks with rotated heads instead of
/// learned positions, and SwiGLU.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Encoder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = encoderSizes(model);
  const Pooling pooling = encoderPooling(model.source());
  const EncoderLayer how = {.joined = true,
                            .rope = model.rope(d, RopePairs::Halves),
                            .feedForward = [](Block &layer, const Rows &rows) {
                              return layer.gatedFfn(rows, Gate::Silu,
                                                    Bias::Optional);
                            }};
  mentionOthers(model.source(), d, how);
  Rows x = model.embedText(d, /*positions=*/false);
  for (Block &layer : model.blocks(d))
    x = encoderLayer(layer, x, how);
  model.encoded(x, d, pooling);
}

extern const Arch nomicBertArch = {.name = "nomic-bert", .build = build};

} // namespace sinter
