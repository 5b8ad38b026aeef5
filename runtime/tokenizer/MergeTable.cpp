// Open addressing over resolved merges: encoding compares numbers, not texts.
#include "runtime/tokenizer/MergeTable.h"

#include <fmt/format.h>

namespace sinter {

uint64_t hashPair(int32_t left, int32_t right) {
  uint64_t key = static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 |
                 static_cast<uint32_t>(right);
  key *= 0x9E3779B97F4A7C15; // 2^64 / golden ratio
  return (key ^ key >> 32) * 0x9E3779B97F4A7C15;
}

MergeIds resolveMerge(std::string_view merge, const TokenIndex &index,
                      std::string &joined) {
  // A space in front belongs to the left part: no part is empty.
  size_t space = merge.size() < 3 ? merge.npos : merge.find(' ', 1);
  if (space == merge.npos)
    return {};
  std::string_view left = merge.substr(0, space);
  std::string_view right = merge.substr(space + 1);
  joined.assign(left).append(right);
  MergeIds ids = {index.find(left), index.find(right), index.find(joined)};
  bool whole = ids.left >= 0 && ids.right >= 0 && ids.merged >= 0;
  return whole ? ids : MergeIds{};
}

Result<MergeTable> MergeTable::create(const Vocabulary &vocabulary,
                                      const TokenIndex &index) {
  MergeTable table;
  table.merges = vocabulary.mergeIds;
  if (vocabulary.mergeIds.empty()) {
    std::string joined;
    table.resolved.reserve(vocabulary.merges.size());
    for (size_t i = 0; i < vocabulary.merges.size(); ++i)
      table.resolved.push_back(
          resolveMerge(vocabulary.merges[i], index, joined));
    table.merges = table.resolved;
  }
  table.slots.resize(tableCapacity(table.merges.size()));
  for (size_t rank = 0; rank < table.merges.size(); ++rank) {
    if (table.merges[rank].merged < 0)
      return Status(
          Code::CorruptData,
          fmt::format(
              "merge {} ('{}') does not join two tokens to a third", rank,
              rank < vocabulary.merges.size() ? vocabulary.merges[rank] : "?"));
    SINTER_TRY(table.insert(static_cast<int32_t>(rank)));
  }
  return table;
}

Status MergeTable::insert(int32_t rank) {
  const MergeIds &merge = merges[rank];
  uint64_t hash = hashPair(merge.left, merge.right);
  auto tag = static_cast<uint32_t>(hash);
  size_t mask = slots.size() - 1, probes = 0;
  size_t at = (hash >> 32) & mask;
  for (; slots[at].rank >= 0; at = (at + 1) & mask) {
    const MergeIds &other = merges[slots[at].rank];
    if (slots[at].tag == tag && other.left == merge.left &&
        other.right == merge.right)
      return Status(); // the first of equal ones has the better rank
    if (++probes == kMaxProbes)
      return Status(
          Code::CorruptData,
          fmt::format("merge {} collides with {} others", rank, kMaxProbes));
  }
  slots[at] = {tag, rank};
  return Status();
}

int32_t MergeTable::find(int32_t left, int32_t right) const {
  uint64_t hash = hashPair(left, right);
  auto tag = static_cast<uint32_t>(hash);
  size_t mask = slots.size() - 1;
  for (size_t at = (hash >> 32) & mask; slots[at].rank >= 0;
       at = (at + 1) & mask)
    if (slots[at].tag == tag && merges[slots[at].rank].left == left &&
        merges[slots[at].rank].right == right)
      return slots[at].rank;
  return -1;
}

} // namespace sinter
