/// The words of multi-head latent attention (arXiv 2405.04434): keys and values
/// of all heads come from one short row for each token.
#ifndef SINTER_FRONTENDS_GGUF_LATENT_H
#define SINTER_FRONTENDS_GGUF_LATENT_H

#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

class LatentAttention {
public:
  /// Reads the sizes; where the file has whole keys and values in attn_kv_b,
  /// heads of `decoder` become those.
  LatentAttention(ModelBuilder &model, Decoder &decoder);

  /// Everything from normed `rows` to attn_output.
  Rows attend(Block &layer, const Rows &rows);

private:
  /// From attn_q of the rows, or from attn_q_a.
  Rows queries(Block &layer, const Rows &projected);
  /// attn_k_b before and attn_v_b behind attention over the latent rows.
  Rows absorbed(Block &layer, const Rows &query, const Rows &latent,
                const Rows &rotatedQuery, const Rows &rotatedKey);
  /// Keys and values of each head from attn_kv_b, attention over those.
  Rows expanded(Block &layer, const Rows &query, const Rows &latent,
                const Rows &rotatedQuery, const Rows &rotatedKey);
  Rows columns(Block &layer, const Rows &rows, const Extent &heads,
               int64_t first, const Extent &width, llvm::StringRef label);
  Rows headMatmul(Block &layer, const Rows &rows, llvm::StringRef weight,
                  const Extent &in, const Extent &out);
  Rows join(Block &layer, const Rows &first, const Rows &second,
            llvm::StringRef label);
  RopeAttr readRope();
  std::string name(const Block &layer, llvm::StringRef part) const;

  ModelBuilder &model;
  const Decoder &decoder;
  Extent heads;
  Extent rank;      ///< of the latent rows
  Extent queryRank; ///< 0: queries come from the rows themselves
  Extent rotary;    ///< the last columns of a head, which rotate
  Extent still;     ///< those before them
  Extent value;
  double scale = 0;
  bool whole = false; ///< attn_kv_b
  RopeAttr rope;
};

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_LATENT_H
