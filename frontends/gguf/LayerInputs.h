/// Embeddings that a model mixes into the stream of each layer: the words for
/// them.
#ifndef SINTER_FRONTENDS_GGUF_LAYERINPUTS_H
#define SINTER_FRONTENDS_GGUF_LAYERINPUTS_H

#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

class LayerInputs {
public:
  /// Reads embedding_length_per_layer_input; without it all words do nothing.
  LayerInputs(ModelBuilder &model, const Decoder &decoder);

  /// For all layers, side by side: per_layer_token_embd of the tokens, and
  /// per_layer_model_proj of their rows, normed; both count alike.
  void read(const Rows &embedded);

  /// rows + norm(proj(gelu(inp_gate(rows)) * the layer's input)).
  Rows mixInto(Block &layer, const Rows &rows) const;

private:
  void mention() const;

  ModelBuilder &model;
  const Decoder &decoder;
  Extent width; ///< of one layer's; 0: none
  Rows inputs;
};

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_LAYERINPUTS_H
