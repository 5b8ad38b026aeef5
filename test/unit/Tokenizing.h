/// What the tests of tokenizers say: make one, encode, expect an error.
#ifndef SINTER_TEST_UNIT_TOKENIZING_H
#define SINTER_TEST_UNIT_TOKENIZING_H

#include "runtime/Tokenizer.h"
#include "test/unit/SmallVocabulary.h"

#include <gtest/gtest.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

using Ids = std::vector<int32_t>;

inline void expectContains(const std::string &text, std::string_view part) {
  EXPECT_NE(text.find(part), text.npos) << text;
}

inline Tokenizer make(const Vocabulary &vocabulary) {
  Result<Tokenizer> tokenizer = Tokenizer::create(vocabulary);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  return std::move(*tokenizer);
}

inline Ids encode(const Tokenizer &tokenizer, std::string_view text,
                  bool addSpecial = false, bool parseSpecial = false) {
  auto ids = tokenizer.encode(text, addSpecial, parseSpecial);
  EXPECT_TRUE(ids.ok()) << ids.status().message();
  return ids.ok() ? *ids : Ids();
}

inline void expectError(const Vocabulary &vocabulary, Code code,
                        std::string_view message) {
  Result<Tokenizer> tokenizer = Tokenizer::create(vocabulary);
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_EQ(tokenizer.status().code(), code);
  expectContains(tokenizer.status().message(), message);
}

inline Vocabulary helloVocabulary() {
  return byteLevelVocabulary({{"h", "e"},    // 256
                              {"l", "l"},    // 257
                              {"he", "ll"},  // 258
                              {"hell", "o"}, // 259
                              {" ", "w"},    // 260
                              {" w", "o"},   // 261
                              {"r", "l"},    // 262
                              {" wo", "rl"}, // 263
                              {" worl", "d"}});
}

inline Result<Vocabulary> parseText(std::string_view bytes) {
  return parse(std::as_bytes(std::span(bytes)));
}

} // namespace sinter

#endif // SINTER_TEST_UNIT_TOKENIZING_H
