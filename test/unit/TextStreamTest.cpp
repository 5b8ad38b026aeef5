// Checks that a stream shows whole characters only, loses none, and ends
// before a stop string however the tokens cut the text.
#include "runtime/TextStream.h"

#include <gtest/gtest.h>
#include <random>
#include <string>

namespace sinter {
namespace {

TEST(TextStream, HoldsBackIncompleteCharacters) {
  TextStream stream;
  EXPECT_EQ(stream.feed("a\xF0\x9F"), "a");
  EXPECT_EQ(stream.feed("\x98"), "");
  EXPECT_EQ(stream.feed("\x80z"), "\xF0\x9F\x98\x80z");
  EXPECT_EQ(stream.feed("\xC3"), "");
  EXPECT_EQ(stream.feed("\xA9\xE2\x82"), "\xC3\xA9");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, ReplacesOnlyWhatCanNeverBecomeACharacter) {
  TextStream stream;
  EXPECT_EQ(stream.feed("\xFF"
                        "a"),
            "\uFFFDa");
  EXPECT_EQ(stream.feed("\xE2\x82"), "");
  EXPECT_EQ(stream.feed("b"), "\uFFFDb");             // one for the sequence
  EXPECT_EQ(stream.feed("\xED\xA0"), "\uFFFD\uFFFD"); // a surrogate
  EXPECT_EQ(stream.feed("\xC0\x80"), "\uFFFD\uFFFD"); // overlong
  EXPECT_EQ(stream.feed("\xF4\x90"), "\uFFFD\uFFFD"); // above U+10FFFF
  EXPECT_EQ(stream.feed("\xF4"), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
}

TEST(TextStream, EndsBeforeAStopString) {
  TextStream stream({"", "</s>", "\n\nUser"});
  EXPECT_EQ(stream.feed("Hi\n"), "Hi");
  EXPECT_EQ(stream.feed("\nUs"), "");
  EXPECT_EQ(stream.feed("ed <"), "\n\nUsed ");
  EXPECT_FALSE(stream.stopped());
  EXPECT_EQ(stream.feed("/s>more"), "");
  EXPECT_TRUE(stream.stopped());
  EXPECT_EQ(stream.feed("more") + stream.finish(), "");
}

TEST(TextStream, TakesTheEarliestStopString) {
  TextStream stream({"cd", "bc"});
  EXPECT_EQ(stream.feed("abcd"), "a");
  EXPECT_TRUE(stream.stopped());
}

TEST(TextStream, ShowsTheBeginningOfAStopStringAtTheEnd) {
  TextStream stream({"stop"});
  EXPECT_EQ(stream.feed("a sto"), "a ");
  EXPECT_EQ(stream.finish(), "sto");
  EXPECT_FALSE(stream.stopped());
}

TEST(TextStream, StopStringsMayCutCharacters) {
  TextStream stream({"\x82\xAC"});
  EXPECT_EQ(stream.feed("a\xE2"), "a");
  EXPECT_EQ(stream.feed("\x82"), "");
  EXPECT_EQ(stream.feed("\xAC"), "\uFFFD");
  EXPECT_TRUE(stream.stopped());
}

TEST(TextStream, DoesNotDependOnHowTokensCutTheText) {
  const std::string text =
      "Grüße, 世界 🙂 \xFF\xE2\x82 end. <e<en<end>rest";
  TextStream whole({"<end>"});
  const std::string expected = whole.feed(text);
  EXPECT_EQ(expected, "Grüße, 世界 🙂 \uFFFD\uFFFD end. <e<en");
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    TextStream stream({"<end>"});
    std::string shown;
    for (size_t at = 0; at < text.size();) {
      size_t bytes = random() % 4 + 1;
      shown += stream.feed(text.substr(at, bytes));
      at += bytes;
    }
    EXPECT_EQ(shown + stream.finish(), expected);
    EXPECT_TRUE(stream.stopped());
  }
}

} // namespace
} // namespace sinter
