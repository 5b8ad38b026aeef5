/// One file for each key, named by its SHA-1:
///   | lengths of ptx, cubin, log: 3 × u64 | SHA-1 of the rest | ptx cubin log
///   |
#include "codegen/cuda/KernelCache.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA1.h"
#include "llvm/Support/raw_ostream.h"

#include <array>
#include <cstdlib>
#include <cstring>

using llvm::StringRef;

namespace sinter {

using Digest = std::array<uint8_t, 20>;
using Lengths = std::array<uint64_t, 3>;
static constexpr size_t kHeader = sizeof(Lengths) + sizeof(Digest);

static Digest digestOf(StringRef bytes) {
  return llvm::SHA1::hash(llvm::arrayRefFromStringRef(bytes));
}

/// Empty without a home.
static std::string cacheFile(StringRef key) {
  const char *cache = std::getenv("XDG_CACHE_HOME");
  const char *home = std::getenv("HOME");
  llvm::SmallString<128> path;
  if (cache && llvm::sys::path::is_absolute(cache))
    path = cache;
  else if (home && llvm::sys::path::is_absolute(home))
    llvm::sys::path::append(path, home, ".cache");
  else
    return "";
  llvm::sys::path::append(path, "sinter", "nvrtc",
                          llvm::toHex(digestOf(key), /*LowerCase=*/true));
  return std::string(path);
}

std::optional<cuda::DeviceCode> cuda::readKernelCache(StringRef key) {
  std::string path = cacheFile(key);
  if (path.empty())
    return {};
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file || (*file)->getBufferSize() < kHeader)
    return {};
  StringRef bytes = (*file)->getBuffer();
  Lengths lengths;
  Digest digest;
  std::memcpy(lengths.data(), bytes.data(), sizeof(lengths));
  std::memcpy(digest.data(), bytes.data() + sizeof(lengths), sizeof(digest));
  bytes = bytes.drop_front(kHeader);
  if (digestOf(bytes) != digest || lengths[0] > bytes.size() ||
      lengths[1] > bytes.size() - lengths[0] ||
      lengths[2] != bytes.size() - lengths[0] - lengths[1])
    return {};
  DeviceCode code;
  code.ptx = bytes.take_front(lengths[0]).str();
  code.cubin = bytes.substr(lengths[0], lengths[1]).str();
  code.log = bytes.drop_front(lengths[0] + lengths[1]).str();
  return code;
}

void cuda::writeKernelCache(StringRef key, const DeviceCode &code) {
  std::string path = cacheFile(key);
  if (path.empty() ||
      llvm::sys::fs::create_directories(llvm::sys::path::parent_path(path)))
    return;
  Lengths lengths = {code.ptx.size(), code.cubin.size(), code.log.size()};
  std::string bytes = code.ptx + code.cubin + code.log;
  Digest digest = digestOf(bytes);
  // Another process never sees half a file: rename is one step.
  llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &out) {
    out.write(reinterpret_cast<const char *>(lengths.data()), sizeof(lengths));
    out.write(reinterpret_cast<const char *>(digest.data()), sizeof(digest));
    out << bytes;
    return llvm::Error::success();
  });
  llvm::consumeError(std::move(error));
}

} // namespace sinter
