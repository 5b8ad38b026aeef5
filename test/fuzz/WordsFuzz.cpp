// Feeds arbitrary bytes to what reads plain words: token ids from a file, the
// name of a device, the head of a sequence's snapshot.
#include "runtime/Device.h"
#include "runtime/Evaluation.h"
#include "runtime/SequenceSnapshot.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace sinter;

static void check(bool holds) {
  if (!holds)
    std::abort();
}

/// Ids that were read, written with spaces, are the same ids.
static void readTokenIds(std::string_view text) {
  Result<std::vector<int32_t>> ids = parseTokenIds(text);
  if (!ids.ok())
    return check(!ids.status().message().empty());
  std::string written = fmt::format("{}", fmt::join(*ids, " "));
  Result<std::vector<int32_t>> again = parseTokenIds(written);
  check(again.ok() && *again == *ids);
}

static void readDevice(std::string_view text) {
  Device device;
  Status status = parseDevice(text, device);
  check(!status.ok() || device.kind != DeviceKind::Gpu || device.gpu >= 0);
}

/// A snapshot that is accepted says how long it is.
static void readHead(std::span<const std::byte> bytes) {
  Result<SnapshotHeader> header = readSnapshot(bytes);
  if (!header.ok())
    return check(!header.status().message().empty());
  check(header->cacheBytes <= bytes.size() &&
        header->recurrentBytes <= bytes.size() - header->cacheBytes &&
        sizeof(SnapshotHeader) + header->cacheBytes + header->recurrentBytes ==
            bytes.size());
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  readTokenIds(text);
  readDevice(text);
  readHead(std::as_bytes(std::span(data, size)));
  return 0;
}
