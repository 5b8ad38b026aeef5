/// Apart from Artifact.cpp, since measuring logits needs no tokenizer.
#include "runtime/ArtifactTokenizer.h"

#include "runtime/Vocabulary.h"

#include <fmt/format.h>

#include <utility>

namespace sinter {

Result<Tokenizer> openTokenizer(const Artifact &artifact) {
  std::string name = fmt::format("'{}'", artifact.path());
  if (!artifact.view().has(SectionKind::Vocabulary))
    return Status(Code::NotFound,
                  name + " has no vocabulary; it takes token ids only");
  Result<Vocabulary> vocabulary = parse(artifact.vocabulary());
  if (!vocabulary.ok())
    return vocabulary.status().in(name);
  Result<Tokenizer> tokenizer = Tokenizer::create(std::move(*vocabulary));
  if (!tokenizer.ok())
    return tokenizer.status().in(name);
  return tokenizer;
}

} // namespace sinter
