/// Sections are mapped from the file being written, so that weights larger
/// than memory can be packed straight to disk.
#include "runtime/ArtifactBytes.h"

#include "runtime/Checksum.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace sinter {

/// Room for the largest section table, so that sections can be placed before
/// their number is known.
static constexpr uint64_t kHeadBytes = kSectionAlignment;
static_assert(sizeof(FileHeader) + kMaxSections * sizeof(SectionEntry) <=
              kHeadBytes);

Status ArtifactBuilder::fail(const std::string &what) const {
  int error = errno;
  return Status(
      error == ENOSPC || error == EDQUOT || error == EFBIG || error == ENOMEM
          ? Code::ResourceExhausted
          : Code::InvalidArgument,
      fmt::format("cannot {} '{}': {}", what, path_, strerror(error)));
}

Result<ArtifactBuilder> ArtifactBuilder::create(const std::string &path) {
  ArtifactBuilder builder;
  builder.path_ = path;
  std::string name = path + ".XXXXXX";
  int file = mkostemp(name.data(), O_CLOEXEC);
  if (file < 0)
    return builder.fail("create");
  builder.file_ = file;
  builder.temporary_ = name;
  // mkostemp makes the file private; a compiled model is an ordinary file.
  mode_t mask = umask(0);
  umask(mask);
  if (fchmod(file, 0666 & ~mask) != 0)
    return builder.fail("set the mode of");
  builder.end_ = kHeadBytes;
  return builder;
}

ArtifactBuilder::ArtifactBuilder(ArtifactBuilder &&other) noexcept {
  *this = std::move(other);
}

ArtifactBuilder &ArtifactBuilder::operator=(ArtifactBuilder &&other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(file_, other.file_);
  std::swap(end_, other.end_);
  std::swap(sections_, other.sections_);
  return *this;
}

ArtifactBuilder::~ArtifactBuilder() {
  unmap();
  if (file_ >= 0) {
    close(file_);
    unlink(temporary_.c_str());
  }
}

void ArtifactBuilder::unmap() {
  for (Section &section : sections_)
    if (section.data)
      munmap(std::exchange(section.data, nullptr), section.entry.bytes);
}

Status ArtifactBuilder::addSection(SectionKind kind,
                                   std::span<const std::byte> bytes,
                                   uint32_t target) {
  Result<std::span<std::byte>> section =
      reserveSection(kind, bytes.size(), target);
  if (!section.ok())
    return section.status();
  if (!bytes.empty())
    std::memcpy(section->data(), bytes.data(), bytes.size());
  return {};
}

Status ArtifactBuilder::addSection(SectionKind kind, std::string_view text,
                                   uint32_t target) {
  return addSection(kind, std::as_bytes(std::span(text)), target);
}

Result<std::span<std::byte>> ArtifactBuilder::reserveSection(SectionKind kind,
                                                             uint64_t bytes,
                                                             uint32_t target) {
  if (sections_.size() == kMaxSections)
    return Status(Code::OutOfRange,
                  fmt::format("artifact has {} sections already, the limit",
                              kMaxSections));
  for (const Section &section : sections_)
    if (section.entry.kind == kind && section.entry.target == target)
      return Status(Code::InvalidArgument,
                    fmt::format("section of kind {} is added twice",
                                static_cast<uint32_t>(kind)));
  uint64_t offset =
      (end_ + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
  std::byte *data = nullptr;
  if (bytes) {
    // Writing through a mapping of a file without blocks would kill the
    // process when the disk fills up, so the blocks are taken first.
    if (int error = posix_fallocate(file_, static_cast<off_t>(offset),
                                    static_cast<off_t>(bytes));
        error != 0) {
      errno = error;
      return fail(fmt::format("reserve {} bytes in", bytes));
    }
    void *mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                        file_, static_cast<off_t>(offset));
    if (mapped == MAP_FAILED)
      return fail(fmt::format("map {} bytes of", bytes));
    data = static_cast<std::byte *>(mapped);
  }
  sections_.push_back({{kind, target, offset, bytes, 0}, data});
  end_ = offset + bytes;
  return std::span<std::byte>(data, bytes);
}

Status ArtifactBuilder::writeHead() {
  FileHeader header = {};
  std::memcpy(header.magic, kArtifactMagic, sizeof(kArtifactMagic));
  header.version = kArtifactVersion;
  header.sectionCount = static_cast<uint32_t>(sections_.size());
  header.fileBytes = end_;
  std::vector<std::byte> head(sizeof(FileHeader) +
                              sections_.size() * sizeof(SectionEntry));
  std::memcpy(head.data(), &header, sizeof(header));
  for (size_t i = 0; i < sections_.size(); ++i)
    std::memcpy(head.data() + sizeof(FileHeader) + i * sizeof(SectionEntry),
                &sections_[i].entry, sizeof(SectionEntry));
  header.headerHash = checksum(head);
  std::memcpy(head.data(), &header, sizeof(header));
  if (pwrite(file_, head.data(), head.size(), 0) !=
      static_cast<ssize_t>(head.size()))
    return fail("write the header of");
  return {};
}

Status ArtifactBuilder::finish() {
  if (sections_.empty())
    return Status(Code::InvalidArgument,
                  fmt::format("'{}' would have no section", path_));
  for (Section &section : sections_)
    section.entry.hash = checksum({section.data, section.entry.bytes});
  unmap();
  if (ftruncate(file_, static_cast<off_t>(end_)) != 0)
    return fail("set the size of");
  SINTER_TRY(writeHead());
  if (rename(temporary_.c_str(), path_.c_str()) != 0)
    return fail("rename the finished file to");
  close(std::exchange(file_, -1));
  return {};
}

} // namespace sinter
