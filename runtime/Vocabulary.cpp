// Writes and reads the vocabulary section of a compiled model.
//
//   "SVOC" u32 version
//   string model, pre, chatTemplate            u32 bytes, then the bytes
//   i32 bos eos eot unk sep pad mask cls
//   u32 flags                                  bit order of kFlags
//   strings tokens                             u32 count, u32 ends[count],
//   bytes merges                                     u32 count, then i32 left,
//   right,
//                                              merged of each
//   floats scores, bytes tokenTypes, i32 eog   u32 count, then the elements
//   string charactersMap
//
// All little-endian, no padding.
#include "runtime/Vocabulary.h"

#include "runtime/tokenizer/MergeTable.h"
#include "runtime/tokenizer/TokenIndex.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace sinter {

static_assert(std::endian::native == std::endian::little,
              "arrays are copied as they lie in the file");

namespace {

constexpr std::string_view kMagic = "SVOC";
constexpr uint32_t kVersion = 2;

constexpr bool Vocabulary::*kFlags[] = {
    &Vocabulary::addBos,         &Vocabulary::addEos,
    &Vocabulary::addSpacePrefix, &Vocabulary::removeExtraWhitespaces,
    &Vocabulary::lowercase,      &Vocabulary::stripAccents};

constexpr int32_t Vocabulary::*kIds[] = {
    &Vocabulary::bos, &Vocabulary::eos, &Vocabulary::eot,  &Vocabulary::unk,
    &Vocabulary::sep, &Vocabulary::pad, &Vocabulary::mask, &Vocabulary::cls};

template <typename T> void append(std::string &out, const T *data, size_t n) {
  out.append(reinterpret_cast<const char *>(data), n * sizeof(T));
}

void appendCount(std::string &out, size_t count) {
  auto narrow = static_cast<uint32_t>(count);
  append(out, &narrow, 1);
}

void appendString(std::string &out, std::string_view text) {
  appendCount(out, text.size());
  out += text;
}

void appendStrings(std::string &out, const StringTable &strings) {
  appendCount(out, strings.size());
  uint32_t end = 0;
  for (size_t i = 0; i < strings.size(); ++i) {
    end += static_cast<uint32_t>(strings[i].size());
    append(out, &end, 1);
  }
  for (size_t i = 0; i < strings.size(); ++i)
    out += strings[i];
}

template <typename T>
void appendVector(std::string &out, const std::vector<T> &values) {
  appendCount(out, values.size());
  append(out, values.data(), values.size());
}

std::vector<MergeIds> resolveMerges(const Vocabulary &v) {
  std::vector<MergeIds> ids = v.mergeIds;
  if (!ids.empty() || v.merges.empty())
    return ids;
  ids.resize(v.merges.size());
  std::string joined;
  if (Result<TokenIndex> index = TokenIndex::create(v.tokens); index)
    for (size_t i = 0; i < ids.size(); ++i)
      ids[i] = resolveMerge(v.merges[i], *index, joined);
  return ids;
}

Status corrupt(std::string message) {
  return Status(Code::CorruptData, "vocabulary: " + std::move(message));
}

} // namespace

/// Takes fields off the front of untrusted bytes.
class VocabularyReader {
public:
  explicit VocabularyReader(std::span<const std::byte> bytes) : rest(bytes) {}
  size_t left() const { return rest.size(); }

  template <typename T>
  Status take(std::string_view what, T *values, size_t count) {
    if (count > rest.size() / sizeof(T))
      return corrupt(fmt::format("{} needs {} bytes, {} are left", what,
                                 count * sizeof(T), rest.size()));
    if (count != 0)
      std::memcpy(values, rest.data(), count * sizeof(T));
    rest = rest.subspan(count * sizeof(T));
    return Status();
  }

  Status takeString(std::string_view what, std::string &text) {
    uint32_t bytes = 0;
    SINTER_TRY(take(what, &bytes, 1));
    SINTER_TRY(checkString(what, bytes));
    text.resize(bytes);
    return take(what, text.data(), bytes);
  }

  template <typename T>
  Status takeVector(std::string_view what, std::vector<T> &values) {
    uint32_t count = 0;
    SINTER_TRY(takeCount(what, sizeof(T), count));
    values.resize(count);
    return take(what, values.data(), count);
  }

  Status takeStrings(std::string_view what, StringTable &strings) {
    uint32_t count = 0;
    SINTER_TRY(takeCount(what, sizeof(uint32_t), count));
    strings.ends.resize(count);
    SINTER_TRY(take(what, strings.ends.data(), count));
    uint32_t begin = 0;
    for (uint32_t end : strings.ends) {
      if (end < begin)
        return corrupt(fmt::format("{} has a string that ends at {} after one "
                                   "that ends at {}",
                                   what, end, begin));
      SINTER_TRY(checkString(what, end - begin));
      begin = end;
    }
    if (begin > rest.size())
      return corrupt(fmt::format("{} needs {} bytes, {} are left", what, begin,
                                 rest.size()));
    strings.bytes.resize(begin);
    return take(what, strings.bytes.data(), begin);
  }

private:
  Status checkString(std::string_view what, size_t bytes) {
    if (bytes <= kMaxVocabularyString)
      return Status();
    return corrupt(fmt::format("{} has a string of {} bytes, at most {} are "
                               "allowed",
                               what, bytes, kMaxVocabularyString));
  }

  /// A count that fits the limit and the bytes that are left, so that it is
  /// safe to allocate for.
  Status takeCount(std::string_view what, size_t size, uint32_t &count) {
    SINTER_TRY(take(what, &count, 1));
    if (count > kMaxVocabularyElements)
      return corrupt(fmt::format("{} has {} elements, at most {} are allowed",
                                 what, count, kMaxVocabularyElements));
    if (count > rest.size() / size)
      return corrupt(fmt::format("{} needs {} bytes, {} are left", what,
                                 count * size, rest.size()));
    return Status();
  }

  std::span<const std::byte> rest;
};

namespace {

Status checkId(std::string_view what, int32_t id, size_t tokens) {
  if (id == -1 || (id >= 0 && static_cast<size_t>(id) < tokens))
    return Status();
  return corrupt(
      fmt::format("{} is token {}, expected -1 or below {}", what, id, tokens));
}

/// What must hold between fields, so that later code can index freely.
Status checkFields(const Vocabulary &v) {
  constexpr std::string_view kNames[] = {"bos", "eos", "eot",  "unk",
                                         "sep", "pad", "mask", "cls"};
  for (size_t i = 0; i < std::size(kIds); ++i)
    SINTER_TRY(checkId(kNames[i], v.*kIds[i], v.tokens.size()));
  for (int32_t id : v.eog)
    SINTER_TRY(checkId("eog", id, v.tokens.size()));
  for (const MergeIds &merge : v.mergeIds)
    for (int32_t id : {merge.left, merge.right, merge.merged})
      SINTER_TRY(checkId("part of a merge", id, v.tokens.size()));
  if (!v.scores.empty() && v.scores.size() != v.tokens.size())
    return corrupt(fmt::format("{} scores for {} tokens", v.scores.size(),
                               v.tokens.size()));
  if (!v.tokenTypes.empty() && v.tokenTypes.size() != v.tokens.size())
    return corrupt(fmt::format("{} token types for {} tokens",
                               v.tokenTypes.size(), v.tokens.size()));
  for (size_t i = 0; i < v.scores.size(); ++i)
    if (std::isnan(v.scores[i]))
      return corrupt(fmt::format("score of token {} is not a number", i));
  for (size_t i = 0; i < v.tokenTypes.size(); ++i)
    if (v.tokenTypes[i] > TokenType::Byte)
      return corrupt(fmt::format("type of token {} is {}, expected 0 to 6", i,
                                 static_cast<int>(v.tokenTypes[i])));
  return Status();
}

Status takeHeader(VocabularyReader &reader) {
  char magic[4] = {};
  uint32_t version = 0;
  SINTER_TRY(reader.take("magic", magic, 4));
  if (std::string_view(magic, 4) != kMagic)
    return corrupt("does not begin with SVOC");
  SINTER_TRY(reader.take("version", &version, 1));
  if (version != kVersion)
    return Status(Code::Unsupported,
                  fmt::format("vocabulary: version {}, this program reads {}",
                              version, kVersion));
  return Status();
}

/// Pre-tokenizers of models that begin every text with BOS.
constexpr std::string_view kBosPreTokenizers[] = {
    "llama3",  "llama-v3", "llama-bpe", "falcon3",      "falcon-h1",
    "pixtral", "midm-2.0", "lfm2",      "jina-v5-nano", "tekken"};

Status takeFields(VocabularyReader &reader, Vocabulary &v) {
  SINTER_TRY(takeHeader(reader));
  SINTER_TRY(reader.takeString("model", v.model));
  SINTER_TRY(reader.takeString("pre", v.pre));
  SINTER_TRY(reader.takeString("chat template", v.chatTemplate));
  for (int32_t Vocabulary::*id : kIds)
    SINTER_TRY(reader.take("special tokens", &(v.*id), 1));
  uint32_t flags = 0;
  SINTER_TRY(reader.take("flags", &flags, 1));
  if (flags >> std::size(kFlags))
    return corrupt(fmt::format("flags {:#x} has unknown bits", flags));
  for (size_t i = 0; i < std::size(kFlags); ++i)
    v.*kFlags[i] = (flags >> i & 1) != 0;
  SINTER_TRY(reader.takeStrings("tokens", v.tokens));
  SINTER_TRY(reader.takeVector("merges", v.mergeIds));
  SINTER_TRY(reader.takeVector("scores", v.scores));
  SINTER_TRY(reader.takeVector("token types", v.tokenTypes));
  SINTER_TRY(reader.takeVector("eog", v.eog));
  SINTER_TRY(reader.takeString("characters map", v.charactersMap));
  if (reader.left() != 0)
    return corrupt(fmt::format("{} bytes too many", reader.left()));
  return checkFields(v);
}

} // namespace

Vocabulary Vocabulary::withDefaults(std::string_view model,
                                    std::string_view pre) {
  Vocabulary v;
  v.model = model;
  v.pre = pre;
  if (model == "llama") { // SentencePiece's own defaults
    v.unk = 0;
    v.bos = 1;
    v.eos = 2;
    v.addBos = v.addSpacePrefix = true;
  } else if (model == "gemma4") {
    v.addBos = true;
  } else if (model == "t5") { // T5's own
    v.pad = 0;
    v.eos = 1;
    v.unk = 2;
    v.addEos = true;
  } else if (model == "bert") { // the ids of bert-base-uncased
    v.pad = 0;
    v.unk = 100;
    v.bos = v.cls = 101;
    v.sep = 102;
    v.mask = 103;
    v.addBos = true;
  } else if (model == "gpt2") {
    v.addBos = std::ranges::find(kBosPreTokenizers, pre) !=
               std::end(kBosPreTokenizers);
  }
  return v;
}

std::string serialize(const Vocabulary &v) {
  std::string out(kMagic);
  append(out, &kVersion, 1);
  appendString(out, v.model);
  appendString(out, v.pre);
  appendString(out, v.chatTemplate);
  for (int32_t Vocabulary::*id : kIds)
    append(out, &(v.*id), 1);
  uint32_t flags = 0;
  for (size_t i = 0; i < std::size(kFlags); ++i)
    flags |= static_cast<uint32_t>(v.*kFlags[i]) << i;
  append(out, &flags, 1);
  appendStrings(out, v.tokens);
  appendVector(out, resolveMerges(v));
  appendVector(out, v.scores);
  appendVector(out, v.tokenTypes);
  appendVector(out, v.eog);
  appendString(out, v.charactersMap);
  return out;
}

Result<Vocabulary> parse(std::span<const std::byte> bytes) {
  VocabularyReader reader(bytes);
  Vocabulary vocabulary;
  if (Status status = takeFields(reader, vocabulary); !status.ok())
    return status;
  return vocabulary;
}

} // namespace sinter
