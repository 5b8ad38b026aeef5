/// Holds the keys and values of all sequences in pages of a few tokens, so
/// that a context grows without copying and sequences can share a beginning.
#ifndef SINTER_RUNTIME_KVCACHE_H
#define SINTER_RUNTIME_KVCACHE_H

#include "runtime/ArtifactFormat.h"
#include "runtime/PageGroup.h"
#include "runtime/StateMemory.h"
#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sinter {

/// Pages that hold what a step of up to `largestStep` tokens reads and writes
/// under a window: a sequence's ring. Never more than a context's.
uint32_t ringBlocks(uint32_t window, uint32_t largestStep, uint32_t pageTokens,
                    uint32_t contextLength);

/// What a cache must hold.
struct CacheRequest {
  uint32_t pageTokens = 1;
  uint32_t contextLength = 1;
  uint32_t sequences = 1;
  uint32_t largestStep = 1; ///< tokens of one sequence in a step
};

/// States without a window keep all tokens; those with one keep a ring of
/// pages, which is all that their attention looks at. Pages are counted once
/// for all states of one window. Address space is reserved for the worst case;
/// memory is taken when a page is first written.
class KvCache {
public:
  /// Room for sequences as `request` says. `states` come from a checked plan;
  /// those that are no KV caches get no pool. Errors: InvalidArgument,
  /// ResourceExhausted.
  static Result<KvCache>
  create(std::span<const PlanState> states, const CacheRequest &request,
         const std::shared_ptr<StateMemory> &memory = hostMemory());

  uint32_t contextLength() const { return contextLength_; }
  uint32_t sequences() const { return static_cast<uint32_t>(used_.size()); }

  /// Tokens that sequence `slot` holds.
  uint32_t length(uint32_t slot) const { return used_[slot]; }

  /// Makes room for `count` more tokens, up to the largest step, at the end of
  /// `slot` and counts them as held. New pages are zero, or hold tokens of the
  /// same sequence that have left the window; a page shared with another
  /// sequence is copied before it can be written. Allocates no memory from the
  /// heap. Errors: OutOfRange past the context length.
  Status append(uint32_t slot, uint32_t count);

  /// Forgets the tokens of `slot` from `length` on (at most what it holds).
  /// Errors: OutOfRange, and nothing changes, if a ring no longer holds what
  /// the token after `length` would look at.
  Status truncate(uint32_t slot, uint32_t length);

  /// Gives the empty sequence `to` the tokens of `from`; pages are shared.
  /// Errors: InvalidArgument if `to` is not empty.
  Status fork(uint32_t from, uint32_t to);

  /// Copies what `slot` holds into heldBytes(slot) bytes.
  void save(uint32_t slot, std::byte *into) const;
  uint64_t heldBytes(uint32_t slot) const;
  /// Makes `slot` what was saved with `length` tokens. Errors, and then
  /// nothing changes: OutOfRange past the context length, CorruptData if the
  /// bytes are not those of as many tokens.
  Status restore(uint32_t slot, uint32_t length,
                 std::span<const std::byte> saved);

  /// What a kernel's operand for a state points to: the base of its pool, in
  /// which page p begins at p * pageBytes, or the CacheRing of its window.
  void *operand(size_t state) const;
  std::byte *pool(size_t state) const;

  /// The tables of pages, that of states without a window first, and which of
  /// them a state has.
  size_t groups() const { return groups_.size(); }
  const PageGroup &group(size_t index) const { return groups_[index].pages; }
  size_t groupOf(size_t state) const { return places_[state].group; }
  bool hasWindow(size_t state) const {
    return groups_[groupOf(state)].window != 0;
  }

  /// [slot][blockStride] pages of states without a window, as Batch hands them
  /// to the kernels.
  const int32_t *blockTable() const { return groups_.front().pages.table(); }
  int64_t blockStride() const { return groups_.front().pages.blocks(); }

  /// Bytes that a token at `position` reads, of all pages in use now, and of
  /// the worst case.
  uint64_t readBytes(uint32_t position) const;
  uint64_t usedBytes() const;
  uint64_t reservedBytes() const;

private:
  struct Group {
    uint32_t window; ///< 0: all tokens
    PageGroup pages;
  };
  struct Place {
    size_t group = 0;
    size_t index = SIZE_MAX; ///< none: a state of another kind
  };

  KvCache() = default;

  uint32_t pageTokens_ = 1;
  uint32_t contextLength_ = 0;
  std::vector<Group> groups_;    ///< the one without a window first
  std::vector<Place> places_;    ///< [state]
  std::vector<CacheRing> rings_; ///< [state], what windowed operands point to
  std::vector<uint32_t> used_;   ///< [slot] tokens
};

} // namespace sinter

#endif // SINTER_RUNTIME_KVCACHE_H
