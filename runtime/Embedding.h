/// Runs whole texts through a model that gives rows of them instead of logits:
/// embeddings, or scores.
#ifndef SINTER_RUNTIME_EMBEDDING_H
#define SINTER_RUNTIME_EMBEDDING_H

#include "runtime/Session.h"
#include "runtime/Status.h"
#include "runtime/Tokenizer.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace sinter {

/// Receives the rows of text `index`: one, or one for each of its tokens.
using RowsVisitor =
    std::function<Status(size_t index, std::span<const float> rows)>;

/// Visits the rows of `texts` in their order; as many as the session has
/// sequences and steps have room share a step, which changes no row. Errors:
/// InvalidArgument for an empty text, those of step().
Status visitRows(Session &session, std::span<const std::vector<int32_t>> texts,
                 const RowsVisitor &visit);

/// Divides by the root of the sum of squares, as in llama.cpp's embeddings; a
/// row of zeros stays.
void normalise(std::span<float> row);

/// The dot product, summed in order; of normalised rows the cosine.
double dotProduct(std::span<const float> left, std::span<const float> right);

/// Query and document as a reranker reads them: `text` with {query} and
/// {document} replaced if it is not empty, else the two with the tokens that
/// the model wants before, between and behind.
Result<std::vector<int32_t>> encodePair(const Tokenizer &tokenizer,
                                        std::string_view text,
                                        std::string_view query,
                                        std::string_view document);

} // namespace sinter

#endif // SINTER_RUNTIME_EMBEDDING_H
