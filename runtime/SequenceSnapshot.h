/// The bytes of a sequence's states outside a session: what prefix caches and
/// speculation keep. They follow from the plan's declarations of states alone.
#ifndef SINTER_RUNTIME_SEQUENCESNAPSHOT_H
#define SINTER_RUNTIME_SEQUENCESNAPSHOT_H

#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sinter {

/// Which states a snapshot holds.
enum class SnapshotScope : uint32_t {
  /// The sequence itself: any session of the same file can restore it.
  All = 0,
  /// Recurrent states only: goes back to a length that the sequence has had,
  /// whose KV pages are still there.
  Recurrent = 1,
};

/// First bytes of a snapshot; cache pages, then recurrent states follow.
struct SnapshotHeader {
  char magic[8];
  uint64_t model; ///< FileHeader::headerHash of the compiled model
  SnapshotScope scope;
  uint32_t length; ///< tokens of the sequence
  uint64_t cacheBytes;
  uint64_t recurrentBytes;
};
static_assert(sizeof(SnapshotHeader) == 40);

/// A snapshot of the right size, its header filled in.
std::vector<std::byte> makeSnapshot(SnapshotHeader header);

/// The header of a snapshot that comes from anywhere. Errors: CorruptData,
/// saying what was found and expected; InvalidArgument for another model's.
Result<SnapshotHeader> readSnapshot(std::span<const std::byte> snapshot);

/// That a session of `model` with so many bytes of recurrent states can take it
/// over; its cache looks at the rest.
Status checkSnapshot(const SnapshotHeader &header, uint64_t model,
                     uint64_t recurrentBytes);

} // namespace sinter

#endif // SINTER_RUNTIME_SEQUENCESNAPSHOT_H
