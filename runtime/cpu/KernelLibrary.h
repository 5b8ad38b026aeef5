/// Loads an artifact's kernels straight from memory, so that no file is
/// unpacked.
#ifndef SINTER_RUNTIME_CPU_KERNELLIBRARY_H
#define SINTER_RUNTIME_CPU_KERNELLIBRARY_H

#include "runtime/ArtifactFormat.h"
#include "runtime/Status.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace sinter {

/// A loaded shared object; kernels stay callable while it lives.
class KernelLibrary {
public:
  KernelLibrary() = default;

  /// Loads an ELF shared object for x86-64. This runs what is in it: call it
  /// only with bytes whose checksum holds. Errors: CorruptData.
  static Result<KernelLibrary> load(std::span<const std::byte> elf);

  /// The kernel exported under `name`. Errors: CorruptData.
  Result<KernelFunction> find(const std::string &name) const;

  /// Whatever is exported under `name`; null if nothing is.
  void *symbol(const char *name) const;

private:
  /// Keeps the file open too: the loader knows a library by its path, which
  /// is the number of the open file, so no second one may get that number.
  struct Close {
    Close() : file(-1) {}
    explicit Close(int file) : file(file) {}
    void operator()(void *handle) const;

    int file;
  };
  std::unique_ptr<void, Close> handle_;
};

} // namespace sinter

#endif // SINTER_RUNTIME_CPU_KERNELLIBRARY_H
