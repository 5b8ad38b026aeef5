/// What a session can do with whole sequences: forget, fork, snapshot, restore.
/// All states go together, as the plan declares them.
#include "runtime/Session.h"

#include <fmt/format.h>

namespace sinter {

Status Session::truncate(int32_t slot, uint32_t length) {
  SINTER_TRY(checkSlot(slot));
  if (length > cache_.length(slot))
    return Status(Code::OutOfRange,
                  fmt::format("sequence {} has {} tokens, cannot keep {}", slot,
                              cache_.length(slot), length));
  if (!recurrent_.empty() && length != 0 && length != cache_.length(slot))
    return Status(Code::Unsupported,
                  fmt::format("sequence {} of {} tokens cannot go back to {}: "
                              "its recurrent states only go on; restore a "
                              "snapshot or begin anew",
                              slot, cache_.length(slot), length));
  return cache_.truncate(slot, length);
}

Status Session::fork(int32_t from, int32_t to) {
  SINTER_TRY(checkSlot(from));
  SINTER_TRY(checkSlot(to));
  SINTER_TRY(cache_.fork(from, to));
  recurrent_.copy(from, to);
  return {};
}

Result<std::vector<std::byte>> Session::snapshot(int32_t slot,
                                                 SnapshotScope scope) const {
  SINTER_TRY(checkSlot(slot));
  SnapshotHeader header = {};
  header.model = artifact_.view().header().headerHash;
  header.scope = scope;
  header.length = length(slot);
  header.recurrentBytes = recurrent_.sequenceBytes();
  if (scope == SnapshotScope::All)
    header.cacheBytes = cache_.heldBytes(slot);
  std::vector<std::byte> bytes = makeSnapshot(header);
  std::byte *cache = bytes.data() + sizeof(header);
  if (scope == SnapshotScope::All)
    cache_.save(slot, cache);
  // A slot before its first token holds what an earlier sequence left.
  if (header.length > 0)
    recurrent_.save(slot, cache + header.cacheBytes);
  SINTER_TRY(executor_->stateMemory()->problem());
  return bytes;
}

Status Session::restore(int32_t slot, std::span<const std::byte> snapshot) {
  SINTER_TRY(checkSlot(slot));
  Result<SnapshotHeader> header = readSnapshot(snapshot);
  if (!header.ok())
    return header.status();
  SINTER_TRY(checkSnapshot(*header, artifact_.view().header().headerHash,
                           recurrent_.sequenceBytes()));
  auto cache = snapshot.subspan(sizeof(SnapshotHeader), header->cacheBytes);
  if (header->scope == SnapshotScope::All)
    SINTER_TRY(cache_.restore(slot, header->length, cache));
  else if (header->length <= length(slot))
    SINTER_TRY(cache_.truncate(slot, header->length));
  else
    return Status(Code::InvalidArgument,
                  fmt::format("snapshot of recurrent states after {} tokens, "
                              "sequence {} has only {}",
                              header->length, slot, length(slot)));
  recurrent_.load(slot, cache.data() + cache.size());
  return {};
}

} // namespace sinter
