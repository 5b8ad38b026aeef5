/// Jina Embeddings 2 (arXiv 2310.19923): BERT's blocks with scores that fall
/// with the distance (ALiBi) instead of learned positions, and GEGLU, whose
/// gate and up may be one tensor. Models of code norm queries and keys, and
/// twice behind attention.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Encoder.h"

namespace sinter {

/// The slopes' exponent; files do not say it.
static constexpr double kAlibi = 8.0;

static Rows gated(Block &layer, const Rows &rows) {
  return layer.gatedFfn(rows, Gate::GeluErf, Bias::Optional);
}
static Rows joined(Block &layer, const Rows &rows) {
  return layer.joinedFfn(rows, Gate::GeluErf, Bias::Optional);
}
static Rows plain(Block &layer, const Rows &rows) {
  return layer.plainFfn(rows, Activation::GeluErf, Bias::Optional);
}

static void build(ModelBuilder &model) {
  const Decoder d = encoderSizes(model);
  const Pooling pooling = encoderPooling(model.source());
  ModelSource &source = model.source();
  bool holdsGate = source.describes() ||
                   source.sizeOf("blk.0.ffn_up.weight", 1, "up").value !=
                       d.feedForward.value;
  const EncoderLayer how = {
      .alibi = kAlibi,
      .secondNorm = true,
      .feedForward = source.hasOptional("blk.0.ffn_gate.weight") ? gated
                     : holdsGate                                 ? joined
                                                                 : plain};
  mentionOthers(source, d, how);
  source.mention("blk.0.ffn_gate", d.hidden, d.feedForward);
  Rows x = model.embedText(d, /*positions=*/false);
  for (Block &layer : model.blocks(d))
    x = encoderLayer(layer, x, how);
  model.encoded(x, d, pooling);
}

extern const Arch jinaBertV2Arch = {.name = "jina-bert-v2", .build = build};

} // namespace sinter
