/// Finds a token by its text. Built when a model is opened, hence flat: two
/// arrays, no allocation per token.
#ifndef SINTER_RUNTIME_TOKENIZER_TOKENINDEX_H
#define SINTER_RUNTIME_TOKENIZER_TOKENINDEX_H

#include "runtime/Status.h"
#include "runtime/Vocabulary.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sinter {

/// Probes after which a hash table gives up: at most two thirds full, honest
/// entries need a few dozen, so more means that they were made to collide.
inline constexpr size_t kMaxProbes = 1024;

/// A power of two that keeps a table of `count` entries at most 2/3 full.
size_t tableCapacity(size_t count);

/// Where the search for a text starts, and a tag from the upper half; public
/// so that a test can make texts collide.
uint64_t hashText(std::string_view text);

class TokenIndex {
public:
  /// Indexes `tokens`, which must outlive the index. Of equal texts the lowest
  /// id is found; an empty text never is. Fails with CorruptData.
  static Result<TokenIndex> create(const StringTable &tokens);

  /// The id of the token with this text, -1 if there is none.
  int32_t find(std::string_view text) const;

  /// Bytes of the longest token.
  size_t longest() const { return longestBytes; }

private:
  struct Slot {
    uint32_t tag;
    int32_t id;
  };

  const StringTable *tokens = nullptr;
  std::vector<Slot> slots;
  size_t longestBytes = 0;
};

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_TOKENINDEX_H
