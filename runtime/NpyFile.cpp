/// numpy.lib.format, version 1.0: magic, length of the header, a Python
/// dictionary padded to 64 bytes, then the values.
#include "runtime/NpyFile.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sinter {

Status NpyFile::fail(Code code, const char *what) const {
  return Status(
      code, fmt::format("cannot {} '{}': {}", what, path_, strerror(errno)));
}

Result<NpyFile> NpyFile::create(const std::string &path, uint64_t rows,
                                uint64_t columns) {
  NpyFile npy;
  npy.path_ = path;
  npy.temporary_ = path + ".part";
  npy.file_.reset(std::fopen(npy.temporary_.c_str(), "wb"));
  if (!npy.file_)
    return npy.fail(Code::InvalidArgument, "create");
  npy.missing_ = rows * columns;
  std::string text = fmt::format("{{'descr': '<f4', 'fortran_order': False, "
                                 "'shape': ({}, {}), }}",
                                 rows, columns);
  constexpr size_t fixed = 10; // magic, version, length
  text.resize((fixed + text.size() + 1 + 63) / 64 * 64 - fixed - 1, ' ');
  text += '\n';
  std::string head("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(text.size() & 0xff);
  head += static_cast<char>(text.size() >> 8);
  head += text;
  if (std::fwrite(head.data(), 1, head.size(), npy.file_.get()) != head.size())
    return npy.fail(Code::ResourceExhausted, "write");
  return npy;
}

NpyFile::~NpyFile() {
  if (file_)
    std::remove(temporary_.c_str());
}

Status NpyFile::write(std::span<const float> values) {
  if (values.size() > missing_)
    return Status(Code::Internal,
                  fmt::format("'{}' gets {} values, {} are missing", path_,
                              values.size(), missing_));
  if (std::fwrite(values.data(), sizeof(float), values.size(), file_.get()) !=
      values.size())
    return fail(Code::ResourceExhausted, "write");
  missing_ -= values.size();
  return {};
}

Status NpyFile::finish() {
  if (missing_ != 0)
    return Status(Code::Internal,
                  fmt::format("'{}' lacks {} values", path_, missing_));
  std::FILE *file = file_.release();
  if (std::fclose(file) != 0) {
    std::remove(temporary_.c_str());
    return fail(Code::ResourceExhausted, "write");
  }
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0)
    return fail(Code::InvalidArgument, "rename the finished file to");
  return {};
}

} // namespace sinter
