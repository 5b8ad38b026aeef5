/// An anonymous file (memfd) is what dlopen accepts without a path on disk.
#include "runtime/cpu/KernelLibrary.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

namespace sinter {

/// The dynamic loader reports what it finds wrong in a shared object, but only
/// after it believed the file header, so that much is looked at here.
static Status checkElf(std::span<const std::byte> elf) {
  Elf64_Ehdr header;
  if (elf.size() < sizeof(header))
    return Status(Code::CorruptData,
                  fmt::format("kernels section has {} bytes, an ELF header "
                              "alone has {}",
                              elf.size(), sizeof(header)));
  std::memcpy(&header, elf.data(), sizeof(header));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_type != ET_DYN)
    return Status(Code::CorruptData,
                  "kernels section is not a 64-bit ELF shared object");
  if (header.e_machine != EM_X86_64)
    return Status(Code::Unsupported,
                  fmt::format("kernels are for ELF machine {}, expected {} "
                              "(x86-64)",
                              header.e_machine, EM_X86_64));
  return {};
}

static Status writeAll(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return Status(Code::ResourceExhausted,
                    fmt::format("cannot copy the kernels to memory: {}",
                                strerror(errno)));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Result<KernelLibrary> KernelLibrary::load(std::span<const std::byte> elf) {
  SINTER_TRY(checkElf(elf));
  int file = memfd_create("sinter-kernels", MFD_CLOEXEC);
  if (file < 0)
    return Status(
        Code::ResourceExhausted,
        fmt::format("cannot make memory for the kernels: {}", strerror(errno)));
  if (Status written = writeAll(file, elf); !written.ok()) {
    close(file);
    return written;
  }
  void *handle = dlopen(fmt::format("/proc/self/fd/{}", file).c_str(),
                        RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *problem = dlerror();
    close(file);
    return Status(Code::CorruptData,
                  fmt::format("cannot load the kernels: {}",
                              problem ? problem : "unknown reason"));
  }
  KernelLibrary library;
  library.handle_ = std::unique_ptr<void, Close>(handle, Close(file));
  return library;
}

Result<KernelFunction> KernelLibrary::find(const std::string &name) const {
  void *found = symbol(name.c_str());
  if (!found)
    return Status(Code::CorruptData,
                  fmt::format("kernels section does not export '{}'", name));
  return reinterpret_cast<KernelFunction>(found);
}

void *KernelLibrary::symbol(const char *name) const {
  return handle_ ? dlsym(handle_.get(), name) : nullptr;
}

void KernelLibrary::Close::operator()(void *handle) const {
  dlclose(handle);
  close(file);
}

} // namespace sinter
