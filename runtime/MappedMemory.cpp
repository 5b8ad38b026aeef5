/// The few calls to mmap, with the errors a user can act on.
#include "runtime/MappedMemory.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace sinter {

MappedMemory::MappedMemory(MappedMemory &&other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedMemory &MappedMemory::operator=(MappedMemory &&other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedMemory::~MappedMemory() {
  if (data_)
    munmap(data_, size_);
}

Result<MappedMemory> MappedMemory::openFile(const std::string &path) {
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return Status(errno == ENOENT ? Code::NotFound : Code::InvalidArgument,
                  fmt::format("cannot open '{}': {}", path, strerror(errno)));
  struct stat info;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file);
    return Status(Code::Unsupported,
                  fmt::format("'{}' is not a regular file", path));
  }
  if (info.st_size == 0) {
    close(file);
    return Status(Code::CorruptData, fmt::format("'{}' is empty", path));
  }
  auto size = static_cast<uint64_t>(info.st_size);
  void *data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  int error = errno;
  close(file);
  if (data == MAP_FAILED)
    return Status(Code::ResourceExhausted,
                  fmt::format("cannot map the {} bytes of '{}': {}", size, path,
                              strerror(error)));
  return MappedMemory(static_cast<std::byte *>(data), size);
}

Result<MappedMemory> MappedMemory::reserve(uint64_t bytes,
                                           const std::string &what) {
  if (bytes == 0)
    return MappedMemory();
  void *data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED)
    return Status(Code::ResourceExhausted,
                  fmt::format("cannot reserve {} bytes for {}: {}", bytes, what,
                              strerror(errno)));
  return MappedMemory(static_cast<std::byte *>(data), bytes);
}

} // namespace sinter
