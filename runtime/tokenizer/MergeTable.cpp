// Resolves merges to token ids once, when a model is opened, so that encoding
// compares numbers instead of texts.
#include "runtime/tokenizer/MergeTable.h"

#include <fmt/format.h>
#include <string>
#include <string_view>

namespace sinter {
namespace {

/// The ids of the parts and of the result of one line of the list.
Status resolve(std::string_view text, size_t rank, const TokenIndex &index,
               std::string &joined, MergeTable::Merge &merge) {
  // A space in front belongs to the left part: no part is empty.
  size_t space = text.size() < 3 ? text.npos : text.find(' ', 1);
  if (space == text.npos)
    return Status(Code::CorruptData,
                  fmt::format("merge {} is '{}', expected two tokens with a "
                              "space between them",
                              rank, text));
  joined.assign(text.substr(0, space)).append(text.substr(space + 1));
  merge = {index.find(text.substr(0, space)),
           index.find(text.substr(space + 1)), static_cast<uint32_t>(rank),
           index.find(joined)};
  if (merge.left < 0 || merge.right < 0 || merge.merged < 0)
    return Status(Code::CorruptData,
                  fmt::format("merge {} is '{}', but '{}' is no token", rank,
                              text,
                              merge.left < 0    ? text.substr(0, space)
                              : merge.right < 0 ? text.substr(space + 1)
                                                : std::string_view(joined)));
  return Status();
}

} // namespace

size_t MergeTable::home(int32_t left, int32_t right) const {
  uint64_t key = static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 |
                 static_cast<uint32_t>(right);
  key *= 0x9E3779B97F4A7C15;
  key = (key ^ key >> 32) * 0x9E3779B97F4A7C15;
  return (key >> 32) & (slots.size() - 1);
}

Result<MergeTable> MergeTable::create(const StringTable &merges,
                                      const TokenIndex &index) {
  MergeTable table;
  table.slots.resize(tableCapacity(merges.size()));
  size_t mask = table.slots.size() - 1;
  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    Merge merge;
    if (Status status = resolve(merges[rank], rank, index, joined, merge);
        !status.ok())
      return status;
    size_t at = table.home(merge.left, merge.right), probes = 0;
    auto isOther = [&](const Merge &slot) {
      return slot.merged >= 0 &&
             (slot.left != merge.left || slot.right != merge.right);
    };
    while (isOther(table.slots[at])) {
      at = (at + 1) & mask;
      if (++probes == kMaxProbes)
        return Status(Code::CorruptData,
                      fmt::format("merge {} collides with {} others", rank,
                                  kMaxProbes));
    }
    if (table.slots[at].merged < 0)
      table.slots[at] = merge;
  }
  return table;
}

const MergeTable::Merge *MergeTable::find(int32_t left, int32_t right) const {
  size_t mask = slots.size() - 1;
  for (size_t at = home(left, right); slots[at].merged >= 0;
       at = (at + 1) & mask)
    if (slots[at].left == left && slots[at].right == right)
      return &slots[at];
  return nullptr;
}

} // namespace sinter
