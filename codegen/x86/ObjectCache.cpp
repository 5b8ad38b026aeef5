/// One file for each kernel, named by the SHA-1 of all that LLVM is given:
///   | SHA-1 of the rest | object |
#include "codegen/x86/ObjectCache.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA1.h"
#include "llvm/Support/raw_ostream.h"

#include <array>
#include <cstdlib>

using namespace sinter;
using llvm::StringRef;

using Digest = std::array<uint8_t, 20>;

/// What compileBitcode does besides; a new number where that changes.
static constexpr const char *kWay = "O2 without vectorisers, way 1";

static Digest digestOf(StringRef bytes) {
  return llvm::SHA1::hash(llvm::arrayRefFromStringRef(bytes));
}

/// Empty without a folder.
static std::string objectFile(const std::string &bitcode, const x86::Isa &isa) {
  const char *folder = std::getenv("SINTER_OBJECT_CACHE");
  if (!folder || !llvm::sys::path::is_absolute(folder))
    return "";
  std::string key =
      llvm::formatv("{0}\n{1}\n{2}\n{3}\n{4}", kWay, LLVM_VERSION_STRING,
                    isa.cpu, isa.features, bitcode);
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, llvm::toHex(digestOf(key), /*LowerCase=*/true));
  return std::string(path);
}

std::optional<std::string> x86::readObject(const std::string &bitcode,
                                           const Isa &isa) {
  std::string path = objectFile(bitcode, isa);
  if (path.empty())
    return {};
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file || (*file)->getBufferSize() < sizeof(Digest))
    return {};
  StringRef bytes = (*file)->getBuffer();
  StringRef object = bytes.drop_front(sizeof(Digest));
  if (llvm::arrayRefFromStringRef(bytes.take_front(sizeof(Digest))) !=
      llvm::ArrayRef<uint8_t>(digestOf(object)))
    return {};
  return object.str();
}

void x86::keepObject(const std::string &bitcode, const Isa &isa,
                     const std::string &object) {
  std::string path = objectFile(bitcode, isa);
  if (path.empty() ||
      llvm::sys::fs::create_directories(llvm::sys::path::parent_path(path)))
    return;
  Digest digest = digestOf(object);
  // Another process never sees half a file: rename is one step.
  llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &out) {
    out.write(reinterpret_cast<const char *>(digest.data()), sizeof(digest));
    out << object;
    return llvm::Error::success();
  });
  llvm::consumeError(std::move(error));
}
