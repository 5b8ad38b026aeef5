/// Checks run from the outside in: nothing is read before the check that makes
/// reading it safe, and nothing is trusted before its hash holds.
#include "runtime/ArtifactView.h"

#include "runtime/Checksum.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

static_assert(std::endian::native == std::endian::little,
              "artifacts are read in place, as little-endian");

namespace sinter {

const char *sectionName(SectionKind kind) {
  switch (kind) {
  case SectionKind::Manifest:
    return "manifest";
  case SectionKind::Vocabulary:
    return "vocabulary";
  case SectionKind::Plan:
    return "plan";
  case SectionKind::Kernels:
    return "kernels";
  case SectionKind::Weights:
    return "weights";
  case SectionKind::Report:
    return "report";
  case SectionKind::DeviceCode:
    return "device code";
  }
  return nullptr;
}

bool isPerTarget(SectionKind kind) {
  return kind == SectionKind::Plan || kind == SectionKind::Kernels ||
         kind == SectionKind::Report || kind == SectionKind::DeviceCode;
}

static Status corrupt(std::string message) {
  return Status(Code::CorruptData, std::move(message));
}

static Status checkHeader(const FileHeader &header, uint64_t fileBytes) {
  if (std::memcmp(header.magic, kArtifactMagic, sizeof(kArtifactMagic)) != 0)
    return corrupt("not a compiled model: the file does not begin with the "
                   "artifact's magic");
  if (header.version != kArtifactVersion)
    return Status(Code::Unsupported,
                  fmt::format("artifact has version {}; this program reads {}",
                              header.version, kArtifactVersion));
  if (header.sectionCount == 0 || header.sectionCount > kMaxSections)
    return corrupt(fmt::format("artifact declares {} sections, expected 1 to "
                               "{}",
                               header.sectionCount, kMaxSections));
  if (header.fileBytes != fileBytes)
    return corrupt(fmt::format("file has {} bytes, its header says {}",
                               fileBytes, header.fileBytes));
  if (sizeof(FileHeader) + header.sectionCount * sizeof(SectionEntry) >
      fileBytes)
    return corrupt(fmt::format("section table of {} entries ends past the "
                               "file's {} bytes",
                               header.sectionCount, fileBytes));
  return {};
}

static Status checkHeaderHash(std::span<const std::byte> file,
                              const FileHeader &header) {
  std::vector<std::byte> head(file.begin(),
                              file.begin() + sizeof(FileHeader) +
                                  header.sectionCount * sizeof(SectionEntry));
  FileHeader unhashed = header;
  unhashed.headerHash = 0;
  std::memcpy(head.data(), &unhashed, sizeof(unhashed));
  uint64_t found = checksum(head);
  if (found != header.headerHash)
    return corrupt(fmt::format("header has checksum {:016x}, expected {:016x}",
                               found, header.headerHash));
  return {};
}

/// `end` is where the previous section ended.
static Status checkEntry(const SectionEntry &entry, uint64_t end,
                         uint64_t fileBytes) {
  const char *name = sectionName(entry.kind);
  if (!name)
    return corrupt(fmt::format("section of unknown kind {}",
                               static_cast<uint32_t>(entry.kind)));
  const uint32_t targets = isPerTarget(entry.kind) ? kMaxTargets : 1;
  if (entry.target >= targets)
    return corrupt(fmt::format("{} section: it is for target {}, expected 0 "
                               "to {}",
                               name, entry.target, targets - 1));
  if (entry.offset % kSectionAlignment != 0)
    return corrupt(fmt::format("{} section: offset {} is not a multiple of {}",
                               name, entry.offset, kSectionAlignment));
  if (entry.offset < end)
    return corrupt(fmt::format("{} section: offset {} overlaps what ends at {}",
                               name, entry.offset, end));
  if (entry.offset > fileBytes || entry.bytes > fileBytes - entry.offset)
    return corrupt(fmt::format("{} section: {} bytes at offset {} end past the "
                               "file's {} bytes",
                               name, entry.bytes, entry.offset, fileBytes));
  return {};
}

static Status checkSection(std::span<const std::byte> file,
                           const SectionEntry &entry, uint64_t end) {
  const char *name = sectionName(entry.kind);
  if (entry.offset - end >= kSectionAlignment)
    return corrupt(fmt::format("{} section: {} bytes of padding before it, "
                               "expected less than {}",
                               name, entry.offset - end, kSectionAlignment));
  auto padding = file.subspan(end, entry.offset - end);
  if (std::any_of(padding.begin(), padding.end(),
                  [](std::byte value) { return value != std::byte{0}; }))
    return corrupt(
        fmt::format("{} section: padding before it is not zero", name));
  uint64_t found = checksum(file.subspan(entry.offset, entry.bytes));
  if (found != entry.hash)
    return corrupt(fmt::format("{} section: checksum is {:016x}, expected "
                               "{:016x}",
                               name, found, entry.hash));
  return {};
}

Result<ArtifactView> ArtifactView::parse(std::span<const std::byte> file) {
  ArtifactView view;
  view.file_ = file;
  if (file.size() < sizeof(FileHeader))
    return corrupt(fmt::format("file has {} bytes, a header alone has {}",
                               file.size(), sizeof(FileHeader)));
  std::memcpy(&view.header_, file.data(), sizeof(FileHeader));
  const FileHeader &header = view.header_;
  SINTER_TRY(checkHeader(header, file.size()));
  SINTER_TRY(checkHeaderHash(file, header));

  view.sections_.resize(header.sectionCount);
  size_t tableBytes = header.sectionCount * sizeof(SectionEntry);
  std::memcpy(view.sections_.data(), file.data() + sizeof(FileHeader),
              tableBytes);
  uint64_t end = sizeof(FileHeader) + tableBytes;
  for (size_t i = 0; i < view.sections_.size(); ++i) {
    const SectionEntry &entry = view.sections_[i];
    SINTER_TRY(checkEntry(entry, end, file.size()));
    for (size_t k = 0; k < i; ++k)
      if (view.sections_[k].kind == entry.kind &&
          view.sections_[k].target == entry.target)
        return corrupt(fmt::format("artifact has two {} sections",
                                   sectionName(entry.kind)));
    SINTER_TRY(checkSection(file, entry, end));
    end = entry.offset + entry.bytes;
  }
  if (end != file.size())
    return corrupt(fmt::format("last section ends at {}, the file at {}", end,
                               file.size()));
  return view;
}

std::span<const std::byte> ArtifactView::section(SectionKind kind,
                                                 uint32_t target) const {
  for (const SectionEntry &entry : sections_)
    if (entry.kind == kind && entry.target == target)
      return file_.subspan(entry.offset, entry.bytes);
  return {};
}

bool ArtifactView::has(SectionKind kind, uint32_t target) const {
  return std::any_of(sections_.begin(), sections_.end(),
                     [&](const SectionEntry &entry) {
                       return entry.kind == kind && entry.target == target;
                     });
}

} // namespace sinter
