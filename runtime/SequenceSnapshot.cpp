/// Sizes are compared before a byte is used: a snapshot may come from a file.
#include "runtime/SequenceSnapshot.h"

#include <fmt/format.h>

#include <cstring>

namespace sinter {

static constexpr char kMagic[8] = {'S', 'I', 'N', 'T', 'S', 'E', 'Q', '1'};

std::vector<std::byte> makeSnapshot(SnapshotHeader header) {
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  std::vector<std::byte> bytes(sizeof(header) + header.cacheBytes +
                               header.recurrentBytes);
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

Result<SnapshotHeader> readSnapshot(std::span<const std::byte> snapshot) {
  SnapshotHeader header;
  if (snapshot.size() < sizeof(header))
    return Status(Code::CorruptData,
                  fmt::format("snapshot has {} bytes, its header alone has {}",
                              snapshot.size(), sizeof(header)));
  std::memcpy(&header, snapshot.data(), sizeof(header));
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0)
    return Status(Code::CorruptData, "snapshot does not begin as one does");
  if (header.scope > SnapshotScope::Recurrent)
    return Status(Code::CorruptData,
                  fmt::format("snapshot has scope {}, expected 0 or 1",
                              static_cast<uint32_t>(header.scope)));
  uint64_t rest = snapshot.size() - sizeof(header);
  if (header.cacheBytes > rest ||
      header.recurrentBytes != rest - header.cacheBytes)
    return Status(Code::CorruptData,
                  fmt::format("snapshot has {} bytes of states, its header "
                              "says {} and {}",
                              rest, header.cacheBytes, header.recurrentBytes));
  return header;
}

Status checkSnapshot(const SnapshotHeader &header, uint64_t model,
                     uint64_t recurrentBytes) {
  if (header.model != model)
    return Status(Code::InvalidArgument,
                  fmt::format("snapshot of model {:016x}, this one is {:016x}",
                              header.model, model));
  if (header.recurrentBytes != recurrentBytes)
    return Status(Code::CorruptData,
                  fmt::format("snapshot has {} bytes of recurrent states, "
                              "expected {}",
                              header.recurrentBytes, recurrentBytes));
  return {};
}

} // namespace sinter
