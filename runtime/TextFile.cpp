/// Reads by blocks, so that pipes work as well as files.
#include "runtime/TextFile.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace sinter {

Result<std::string> readTextFile(const std::string &path) {
  int file =
      path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return Status(errno == ENOENT ? Code::NotFound : Code::InvalidArgument,
                  fmt::format("cannot open '{}': {}", path, strerror(errno)));
  std::string text;
  char block[1 << 16];
  ssize_t count;
  while ((count = read(file, block, sizeof(block))) != 0) {
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      break;
    text.append(block, static_cast<size_t>(count));
  }
  int error = errno;
  if (file != STDIN_FILENO)
    close(file);
  if (count < 0)
    return Status(Code::InvalidArgument,
                  fmt::format("cannot read '{}': {}", path, strerror(error)));
  return text;
}

} // namespace sinter
