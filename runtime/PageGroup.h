/// Pages of the KV caches that keep the same tokens: all of a sequence, or its
/// last ones. A page of a sequence has one number in the pool of each of them.
#ifndef SINTER_RUNTIME_PAGEGROUP_H
#define SINTER_RUNTIME_PAGEGROUP_H

#include "runtime/StateMemory.h"
#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sinter {

/// How many pages a group has and how large its states' are.
struct PageShape {
  uint32_t pageTokens = 1;
  uint32_t sequences = 1;
  /// Pages that a sequence holds at most; page b of its tokens is entry
  /// b % blocks of its row, so a sequence with more of them loses the oldest.
  uint32_t blocks = 1;
  std::vector<uint64_t> stateBytes; ///< of a page, for each state
};

class PageGroup {
public:
  /// `what` the pools are for, in messages. Errors: ResourceExhausted.
  static Result<PageGroup> create(PageShape shape, const std::string &what,
                                  std::shared_ptr<StateMemory> memory);

  /// Makes room in `slot`, which holds `held` tokens, for `count` more. New
  /// pages are zero or were the sequence's own; one that is shared with
  /// another sequence is copied before it can be written. Allocates nothing.
  void append(uint32_t slot, uint32_t held, uint32_t count);

  /// Forgets the tokens of `slot` from `length` on, of `held`.
  void truncate(uint32_t slot, uint32_t held, uint32_t length);

  /// Gives the empty `to` what `from` has of its `held` tokens, shared.
  void fork(uint32_t from, uint32_t to, uint32_t held);

  /// What `slot` has of its `held` tokens as bytes: the number of the first
  /// page, then pages, each state by state. save() and load(), which needs an
  /// empty `slot`, give the end; skip() says whether load() may be called and
  /// takes its bytes off `saved`: tokens from `needed` on must be there.
  uint64_t heldBytes(uint32_t slot, uint32_t held) const;
  std::byte *save(uint32_t slot, uint32_t held, std::byte *into) const;
  bool skip(uint32_t held, uint32_t needed,
            std::span<const std::byte> &saved) const;
  const std::byte *load(uint32_t slot, uint32_t held, const std::byte *from);

  /// The first token of `slot` that is still there.
  uint32_t oldest(uint32_t slot) const {
    return oldest_[slot] * shape_.pageTokens;
  }
  std::byte *pool(size_t state) const { return pools_[state]; }
  /// [slot][blocks()] page numbers.
  const int32_t *table() const { return table_.data(); }
  uint32_t blocks() const { return shape_.blocks; }
  uint64_t entries() const { return table_.size(); }
  /// Another number whenever the table has changed.
  uint64_t version() const { return version_; }
  /// Bytes of one page over all states.
  uint64_t pageBytes() const { return pageBytes_; }
  uint64_t usedPages() const { return usedPages_; }
  uint64_t pages() const { return owners_.size(); }

private:
  PageGroup() = default;

  int32_t takePage();
  void dropPage(int32_t page);
  void makeWritable(int32_t &entry);
  int32_t &entry(uint32_t slot, uint32_t block) {
    ++version_;
    return table_[size_t(slot) * shape_.blocks + block % shape_.blocks];
  }
  uint32_t blockCount(uint32_t tokens) const;

  PageShape shape_;
  uint64_t pageBytes_ = 0;
  uint64_t usedPages_ = 0;
  uint64_t version_ = 0;
  std::shared_ptr<StateMemory> memory_;
  std::vector<std::byte *> pools_;
  std::vector<int32_t> table_;
  std::vector<uint32_t> oldest_; ///< [slot] first page still held
  std::vector<uint32_t> owners_; ///< [page] sequences that refer to it
  std::vector<int32_t> free_;    ///< pages that were used before
  int32_t fresh_ = 0;            ///< pages from here on were never used
};

} // namespace sinter

#endif // SINTER_RUNTIME_PAGEGROUP_H
