// Writes the vocabularies of GGUF files as an artifact holds them, and copies
// the published texts and ids beside them, for TokenizerTest:
// DumpVocabulary FOLDER MODEL.gguf...
#include "frontends/gguf/Vocabulary.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <string>

using namespace sinter;

/// Writes FOLDER/MODEL.gguf.svoc; the error names what the file lacks.
static llvm::Error dump(const std::filesystem::path &folder,
                        const std::filesystem::path &path) {
  auto model = GgufModel::open(path.string());
  if (!model)
    return model.takeError();
  const GgufValue *tokens = (*model)->find("tokenizer.ggml.tokens");
  if (!tokens || !tokens->strings())
    return llvm::createStringError("no key 'tokenizer.ggml.tokens' in '%s'",
                                   path.c_str());
  auto vocabulary = readVocabulary(**model, tokens->strings()->size());
  if (!vocabulary)
    return vocabulary.takeError();
  std::filesystem::path stem = folder / path.filename();
  std::ofstream(stem.string() + ".svoc", std::ios::binary)
      << serialize(*vocabulary);
  for (const char *suffix : {".inp", ".out"}) {
    std::error_code ignored; // TokenizerTest misses what is not there
    std::filesystem::copy_file(path.string() + suffix, stem.string() + suffix,
                               ignored);
  }
  return llvm::Error::success();
}

int main(int count, char **arguments) {
  for (int i = 2; i < count; ++i)
    if (llvm::Error error = dump(arguments[1], arguments[i])) {
      fmt::print(stderr, "error: {}\n", llvm::toString(std::move(error)));
      return 1;
    }
  return 0;
}
