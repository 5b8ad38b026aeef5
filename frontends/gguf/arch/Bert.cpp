/// BERT (arXiv 1810.04805) and, with the same tensors, RoBERTa and
/// XLM-RoBERTa, whose files have positions from 0 on: learned positions, norms
/// behind each block, GELU; embedding models and rerankers.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Encoder.h"

namespace sinter {

static void build(ModelBuilder &model) {
  const Decoder d = encoderSizes(model);
  const Pooling pooling = encoderPooling(model.source());
  const EncoderLayer how = {.feedForward = [](Block &layer, const Rows &rows) {
    return layer.plainFfn(rows, Activation::GeluErf, Bias::Optional);
  }};
  mentionOthers(model.source(), d, how);
  Rows x = model.embedText(d, /*positions=*/true);
  for (Block &layer : model.blocks(d))
    x = encoderLayer(layer, x, how);
  model.encoded(x, d, pooling, d.context);
}

extern const Arch bertArch = {.name = "bert", .build = build};

} // namespace sinter
