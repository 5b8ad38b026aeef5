/// Holds the keys and values of all sequences in pages of a few tokens, so
/// that a context grows without copying and sequences can share a beginning.
#ifndef SINTER_RUNTIME_KVCACHE_H
#define SINTER_RUNTIME_KVCACHE_H

#include "runtime/ArtifactFormat.h"
#include "runtime/MappedMemory.h"
#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sinter {

/// Pages are counted once for all states: page p of a sequence is page p in
/// the pool of every layer. Address space is reserved for the worst case;
/// memory is taken when a page is first written.
class KvCache {
public:
  /// Room for `sequences` sequences of `contextLength` tokens. `states` come
  /// from a checked plan. Errors: InvalidArgument, ResourceExhausted.
  static Result<KvCache> create(std::span<const PlanState> states,
                                uint32_t pageTokens, uint32_t contextLength,
                                uint32_t sequences);

  uint32_t contextLength() const { return contextLength_; }
  uint32_t sequences() const { return static_cast<uint32_t>(used_.size()); }

  /// Tokens that sequence `slot` holds.
  uint32_t length(uint32_t slot) const { return used_[slot]; }

  /// Makes room for `count` more tokens at the end of `slot` and counts them
  /// as held. New pages are zero; a page shared with another sequence is
  /// copied before it can be written. Allocates no memory from the heap.
  /// Errors: OutOfRange past the context length.
  Status append(uint32_t slot, uint32_t count);

  /// Forgets the tokens of `slot` from `length` on (at most what it holds).
  void truncate(uint32_t slot, uint32_t length);

  /// Gives the empty sequence `to` the tokens of `from`; pages are shared.
  /// Errors: InvalidArgument if `to` is not empty.
  Status fork(uint32_t from, uint32_t to);

  /// Base of a state's pool; page p begins at p * pageBytes.
  std::byte *pool(size_t state) const { return pools_[state].data(); }

  /// [slot][blockStride] pages, as Batch hands them to the kernels.
  const int32_t *blockTable() const { return blocks_.data(); }
  int64_t blockStride() const { return blocksPerSequence_; }

  /// Bytes of one page over all states, of all pages in use now, and of the
  /// worst case.
  uint64_t pageBytes() const { return pageBytes_; }
  uint64_t tokenBytes() const { return pageBytes_ / pageTokens_; }
  uint64_t usedBytes() const { return pageBytes_ * usedPages_; }
  uint64_t reservedBytes() const;

private:
  KvCache() = default;

  int32_t takePage();
  void dropPage(int32_t page);
  void makeWritable(int32_t &block);
  uint32_t blockCount(uint32_t tokens) const;
  int32_t *row(uint32_t slot);

  uint32_t pageTokens_ = 1;
  uint32_t contextLength_ = 0;
  uint32_t blocksPerSequence_ = 0;
  uint64_t pageBytes_ = 0;
  uint64_t usedPages_ = 0;
  std::vector<uint64_t> statePageBytes_;
  std::vector<MappedMemory> pools_;
  std::vector<int32_t> blocks_;  ///< [slot][blocksPerSequence_]
  std::vector<uint32_t> used_;   ///< [slot] tokens
  std::vector<uint32_t> owners_; ///< [page] sequences that refer to it
  std::vector<int32_t> free_;    ///< pages that were used before
  int32_t fresh_ = 0;            ///< pages from here on were never used
};

} // namespace sinter

#endif // SINTER_RUNTIME_KVCACHE_H
