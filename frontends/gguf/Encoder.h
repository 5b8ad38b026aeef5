/// What the encoders of BERT's shape share: embeddings that are summed and
/// normed, attention to all of a text, norms behind each block.
#ifndef SINTER_FRONTENDS_GGUF_ENCODER_H
#define SINTER_FRONTENDS_GGUF_ENCODER_H

#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

/// How one encoder's layers differ from another's.
struct EncoderLayer {
  /// Whether query, key and value are one tensor, or usually three; a file may
  /// have it the other way.
  bool joined = false;
  /// Rotates queries and keys; null: none.
  RopeAttr rope = {};
  /// Slope by which attention falls with distance; 0: none.
  double alibi = 0;
  /// Whether files may have attn_norm_2: norm(x + rows) once more.
  bool secondNorm = false;
  /// The block's second half.
  Rows (*feedForward)(Block &layer, const Rows &rows) = nullptr;
};

/// The keys of an encoder, which must not be causal.
Decoder encoderSizes(ModelBuilder &model);

/// Adds to a description what files of such layers may have, too.
void mentionOthers(ModelSource &source, const Decoder &decoder,
                   const EncoderLayer &how);

/// norm(x + attention(x)), then norm(x + feedForward(x)).
Rows encoderLayer(Block &layer, const Rows &rows, const EncoderLayer &how);

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_ENCODER_H
