/// Writes arrays in NumPy's file format, so that any tool can read logits.
#ifndef SINTER_RUNTIME_NPYFILE_H
#define SINTER_RUNTIME_NPYFILE_H

#include "runtime/Status.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

namespace sinter {

/// A float32 [rows, columns] array written row by row (format version 1.0 of
/// numpy.lib.format). The file gets its name when it is complete.
class NpyFile {
public:
  static Result<NpyFile> create(const std::string &path, uint64_t rows,
                                uint64_t columns);

  NpyFile(NpyFile &&) = default;
  NpyFile &operator=(NpyFile &&) = delete;
  ~NpyFile();

  /// Adds values in row-major order. Errors: ResourceExhausted.
  Status write(std::span<const float> values);

  /// Errors: Internal if values are missing, ResourceExhausted.
  Status finish();

private:
  struct Close {
    void operator()(std::FILE *file) const { std::fclose(file); }
  };
  NpyFile() = default;
  Status fail(Code code, const char *what) const;

  std::string path_;
  std::string temporary_;
  std::unique_ptr<std::FILE, Close> file_;
  uint64_t missing_ = 0; ///< values still to come
};

} // namespace sinter

#endif // SINTER_RUNTIME_NPYFILE_H
