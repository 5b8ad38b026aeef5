/// Links kernel objects into one shared object with lld as a library: no
/// linker has to be installed where models are compiled.
#include "codegen/x86/LowerKernel.h"

#include "lld/Common/Driver.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace sinter;

/// A folder that is removed with all its files when the scope ends.
namespace {
struct TemporaryFolder {
  llvm::SmallString<128> path;
  std::error_code error =
      llvm::sys::fs::createUniqueDirectory("sinter-link", path);
  ~TemporaryFolder() {
    if (!error)
      llvm::sys::fs::remove_directories(path);
  }
  std::string file(llvm::StringRef name) const {
    llvm::SmallString<128> result = path;
    llvm::sys::path::append(result, name);
    return result.str().str();
  }
};
} // namespace

llvm::Expected<std::string>
x86::linkShared(llvm::ArrayRef<std::string> objects) {
  static std::mutex oneAtATime; // lld keeps its state in globals
  std::lock_guard<std::mutex> guard(oneAtATime);
  TemporaryFolder folder;
  if (folder.error)
    return llvm::createStringError("cannot create a temporary folder: %s",
                                   folder.error.message().c_str());
  std::string output = folder.file("kernels.so");
  std::vector<std::string> words = {
      "ld.lld",     "-shared", "--build-id=none", "--threads=1", "-soname",
      "kernels.so", "-z",      "noexecstack",     "-o",          output};
  for (size_t i = 0; i < objects.size(); ++i) {
    words.push_back(folder.file("kernel" + std::to_string(i) + ".o"));
    std::error_code error;
    llvm::raw_fd_ostream file(words.back(), error);
    file << objects[i];
    file.close();
    if (error || file.has_error())
      return llvm::createStringError("cannot write %s", words.back().c_str());
  }
  std::vector<const char *> arguments;
  for (const std::string &word : words)
    arguments.push_back(word.c_str());
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  lld::Result result =
      lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return llvm::createStringError("linking the kernels failed: %s",
                                   messages.c_str());
  auto buffer = llvm::MemoryBuffer::getFile(output);
  if (!buffer)
    return llvm::createStringError("cannot read %s", output.c_str());
  return (*buffer)->getBuffer().str();
}
