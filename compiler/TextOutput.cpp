/// A temporary file beside the wanted one takes its name at the end.
#include "compiler/TextOutput.h"

#include "compiler/Failure.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

namespace sinter {

namespace fs = llvm::sys::fs;

static std::error_code write(llvm::raw_fd_ostream &file, llvm::StringRef text) {
  file << text;
  file.flush();
  std::error_code failed = file.error();
  file.clear_error();
  return failed;
}

/// Writes into what `path` names, as it is.
static std::error_code writeInPlace(llvm::StringRef path,
                                    llvm::StringRef text) {
  std::error_code failed;
  llvm::raw_fd_ostream file(path, failed);
  return failed ? failed : write(file, text);
}

static std::error_code writeAndRename(llvm::StringRef path,
                                      llvm::StringRef text) {
  int number;
  llvm::SmallString<128> temporary;
  if (std::error_code failed =
          fs::createUniqueFile(path + ".%%%%%%", number, temporary, fs::OF_None,
                               fs::all_read | fs::all_write))
    return failed;
  std::error_code failed;
  {
    llvm::raw_fd_ostream file(number, /*shouldClose=*/true);
    failed = write(file, text);
  }
  if (!failed)
    failed = fs::rename(temporary, path);
  if (failed)
    fs::remove(temporary);
  return failed;
}

llvm::Error writeTextFile(const std::string &path, llvm::StringRef text) {
  fs::file_status status;
  bool special = path == "-" ||
                 (!fs::status(path, status) && !fs::is_regular_file(status));
  if (std::error_code failed =
          special ? writeInPlace(path, text) : writeAndRename(path, text))
    return failureOf("cannot write '" + path + "': " + failed.message());
  return llvm::Error::success();
}

} // namespace sinter
