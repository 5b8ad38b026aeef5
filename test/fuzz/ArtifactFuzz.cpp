/// Feeds arbitrary bytes to the artifact parser. A checksum stops nearly every
/// input at the door, so sections are also judged alone, and whole files once
/// more with their checksums put right.
#include "runtime/Artifact.h"
#include "runtime/Checksum.h"
#include "runtime/DeviceCode.h"
#include "runtime/Manifest.h"
#include "runtime/Plan.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

using namespace sinter;

/// Writes the hashes that the file's own header and table ask for.
static void putRight(std::vector<std::byte> &file) {
  FileHeader header;
  if (file.size() < sizeof(header))
    return;
  std::memcpy(&header, file.data(), sizeof(header));
  std::memcpy(header.magic, kArtifactMagic, sizeof(kArtifactMagic));
  header.version = kArtifactVersion;
  header.fileBytes = file.size();
  size_t head =
      sizeof(header) + size_t(header.sectionCount) * sizeof(SectionEntry);
  if (header.sectionCount > kMaxSections || head > file.size())
    return;
  for (size_t i = 0; i < header.sectionCount; ++i) {
    SectionEntry entry;
    std::byte *at = file.data() + sizeof(header) + i * sizeof(entry);
    std::memcpy(&entry, at, sizeof(entry));
    if (entry.offset > file.size() || entry.bytes > file.size() - entry.offset)
      continue;
    entry.hash = checksum(std::span(file).subspan(entry.offset, entry.bytes));
    std::memcpy(at, &entry, sizeof(entry));
  }
  header.headerHash = 0;
  std::memcpy(file.data(), &header, sizeof(header));
  header.headerHash = checksum(std::span(file).first(head));
  std::memcpy(file.data(), &header, sizeof(header));
}

static void check(bool holds) {
  if (!holds)
    std::abort();
}

/// One kernel, launched with two operands.
static Plan smallPlan() {
  Plan plan;
  plan.kernels.emplace_back();
  plan.launches.emplace_back().operandCount = 2;
  return plan;
}

static void checkDeviceCode(std::span<const std::byte> input) {
  static const Plan plan = smallPlan();
  auto code = parseDeviceCode(input, plan);
  if (!code.ok())
    return;
  check(code->kernels.size() == 1 && code->kernels[0].operands == 2);
  check(code->code(0).size() + code->text(0).size() <= input.size());
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::span input(reinterpret_cast<const std::byte *>(data), size);
  constexpr uint64_t weightBytes = 4096;
  if (auto plan = parsePlan(input, weightBytes); plan.ok()) {
    // What was accepted can be written and read again.
    auto again = parsePlan(serializePlan(*plan), weightBytes);
    check(again.ok() && again->operands.size() == plan->operands.size());
  }
  (void)parseManifest(input).ok();
  checkDeviceCode(input);
  (void)Artifact::parse(input).ok();
  std::vector<std::byte> file(input.begin(), input.end());
  putRight(file);
  if (auto artifact = Artifact::parse(file); artifact.ok())
    for (const ArtifactTarget &target : artifact->targets())
      check(checkPlan(target.plan, artifact->weights().size()).ok());
  return 0;
}
