/// Takes a GGUF file apart from front to back; what GgufFile::parse() does.
#ifndef SINTER_FRONTENDS_GGUF_GGUFREADER_H
#define SINTER_FRONTENDS_GGUF_GGUFREADER_H

#include "frontends/gguf/GgufFile.h"

#include "llvm/Support/FormatVariadic.h"

#include <cstring>
#include <string>

namespace sinter {

/// The place in the file up to which it has been read. Its errors name file
/// and thing.
class GgufReader {
public:
  GgufReader(std::span<const std::byte> bytes, llvm::StringRef name) {
    file.all = bytes;
    file.fileName = name.str();
  }

  llvm::Expected<GgufFile> read();

private:
  uint64_t left() const { return file.all.size() - at; }

  template <typename... T> llvm::Error fail(const char *format, T &&...values) {
    std::string text = llvm::formatv(format, std::forward<T>(values)...);
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "file " + quotedName(file.fileName) + ": " +
                                       text);
  }

  /// `what` says in a message what the bytes were to be.
  llvm::Error skip(uint64_t size, llvm::StringRef what) {
    if (size > left())
      return fail("{0} needs {1} bytes at offset {2}, but {3} are left: the "
                  "file is truncated or altered",
                  what, size, at, left());
    at += size;
    return llvm::Error::success();
  }

  template <typename T> llvm::Error take(T &value, llvm::StringRef what) {
    if (llvm::Error error = skip(sizeof(T), what))
      return error;
    std::memcpy(&value, file.all.data() + at - sizeof(T), sizeof(T));
    return llvm::Error::success();
  }

  llvm::Error takeString(std::string_view &text, llvm::StringRef what);
  llvm::Error takeHeader(uint64_t &tensors, uint64_t &keys);
  llvm::Error takeEntry();
  llvm::Error takeType(GgufType &type, llvm::StringRef what);
  llvm::Error takeValue(GgufValue &value, llvm::StringRef what);
  llvm::Error takeArray(GgufValue &value, llvm::StringRef what, unsigned depth);
  llvm::Error takeTensor();
  llvm::Error takeDims(GgufTensor &tensor);
  llvm::Error takeAlignment(uint64_t &alignment);
  llvm::Error placeTensors();
  llvm::Error placeTensor(GgufTensor &tensor, uint64_t data,
                          uint64_t alignment);

  GgufFile file;
  uint64_t at = 0;
};

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_GGUFREADER_H
