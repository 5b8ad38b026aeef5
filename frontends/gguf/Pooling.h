/// What a model gives instead of logits, if its file says so: embeddings of
/// tokens or of whole texts, or scores of them.
#ifndef SINTER_FRONTENDS_GGUF_POOLING_H
#define SINTER_FRONTENDS_GGUF_POOLING_H

#include "frontends/gguf/ModelSource.h"

namespace sinter {

/// Of a text's rows: each token's, their mean, the first's, the last's, or one
/// of these behind a head that gives scores. Files count like this.
enum class PoolingKind { None = 0, Mean = 1, First = 2, Last = 3, Rank = 4 };

struct Pooling {
  PoolingKind kind = PoolingKind::None;
  /// Whether the model has other rows than logits.
  bool wanted = false;
  /// Of which row a rank head scores: first or last.
  PoolingKind ranked = PoolingKind::First;
  bool softmax = false; ///< of the scores

  /// The row that stands for a text, a rank head's included.
  PoolingKind row() const { return kind == PoolingKind::Rank ? ranked : kind; }
  /// Whether the row is known only with all of the text in one step.
  bool needsWhole() const {
    return row() == PoolingKind::Mean || row() == PoolingKind::First;
  }
};

/// Reads `pooling_type`. Without it an encoder ranks if it has the head, and
/// else embeds tokens; a decoder gives logits.
Pooling encoderPooling(ModelSource &source);
Pooling decoderPooling(ModelSource &source);

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_POOLING_H
