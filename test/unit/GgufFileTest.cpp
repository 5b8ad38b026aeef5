// The GGUF reader: values and places of good files, and the message for each
// way in which a file can be wrong.
#include "frontends/gguf/GgufFile.h"

#include "test/unit/GgufBytes.h"

#include <gtest/gtest.h>
#include <random>

using namespace sinter;

namespace {

enum : uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64 };

/// The message for a file that must be refused.
std::string errorOf(const GgufBytes &file) {
  auto parsed = GgufFile::parse(file.span(), "m.gguf");
  return parsed ? "no error" : llvm::toString(parsed.takeError());
}

GgufFile parsed(const GgufBytes &file) {
  auto result = GgufFile::parse(file.span(), "m.gguf");
  if (!result)
    ADD_FAILURE() << llvm::toString(result.takeError());
  return std::move(*result);
}

/// One tensor "t" of 64 F32 with its 256 bytes of data.
GgufBytes oneTensor(uint32_t version) {
  GgufBytes file;
  file.header(1, 1, version).key("general.architecture", String).text("llama");
  return file.tensor("t", {32, 2}, 0, 0).data(256);
}

TEST(GgufFile, ReadsBothVersions) {
  for (uint32_t version : {2u, 3u}) {
    GgufBytes bytes = oneTensor(version);
    GgufFile file = parsed(bytes);
    EXPECT_EQ(file.version(), version);
    EXPECT_EQ(file.find("general.architecture")->string(), "llama");
    const GgufTensor *tensor = file.findTensor("t");
    ASSERT_TRUE(tensor);
    EXPECT_EQ(tensor->dims, (std::vector<uint64_t>{32, 2}));
    EXPECT_EQ(tensor->bytes, 256u);
    EXPECT_EQ(tensor->offset, bytes.bytes.size() - 256);
    EXPECT_FALSE(file.find("nothing"));
    EXPECT_FALSE(file.findTensor("nothing"));
  }
}

TEST(GgufFile, ReadsEveryScalarType) {
  GgufBytes bytes;
  bytes.header(0, 13);
  bytes.key("u8", U8).put<uint8_t>(200).key("i8", I8).put<int8_t>(-2);
  bytes.key("u16", U16).put<uint16_t>(60000).key("i16", I16).put<int16_t>(-3);
  bytes.key("u32", U32).put<uint32_t>(4000000000u);
  bytes.key("i32", I32).put<int32_t>(-4).key("f32", F32).put(0.5f);
  bytes.key("yes", Bool).put<uint8_t>(1).key("no", Bool).put<uint8_t>(0);
  bytes.key("u64", U64).put<uint64_t>(~uint64_t(0));
  bytes.key("i64", 11).put<int64_t>(-5).key("f64", 12).put(0.25);
  bytes.key("text", String).text("");
  GgufFile file = parsed(bytes);
  EXPECT_EQ(file.find("u8")->integer(), 200);
  EXPECT_EQ(file.find("i8")->integer(), -2);
  EXPECT_EQ(file.find("u16")->integer(), 60000);
  EXPECT_EQ(file.find("i16")->integer(), -3);
  EXPECT_EQ(file.find("u32")->integer(), 4000000000);
  EXPECT_EQ(file.find("i32")->integer(), -4);
  EXPECT_EQ(file.find("i64")->integer(), -5);
  EXPECT_EQ(file.find("u64")->integer(), std::nullopt) << "does not fit";
  EXPECT_EQ(file.find("f32")->integer(), std::nullopt);
  EXPECT_EQ(file.find("f32")->number(), 0.5);
  EXPECT_EQ(file.find("f64")->number(), 0.25);
  EXPECT_EQ(file.find("i8")->number(), -2.0);
  EXPECT_EQ(file.find("yes")->flag(), true);
  EXPECT_EQ(file.find("no")->flag(), false);
  EXPECT_EQ(file.find("u8")->flag(), std::nullopt);
  EXPECT_EQ(file.find("text")->string(), "");
  EXPECT_EQ(file.find("text")->number(), std::nullopt);
  EXPECT_EQ(file.find("text")->describe(), "string");
}

TEST(GgufFile, ReadsArrays) {
  GgufBytes bytes;
  bytes.header(0, 4);
  bytes.key("names", Array).put(String).put<uint64_t>(2).text("a").text("bc");
  bytes.key("sizes", Array).put(I32).put<uint64_t>(2).put(7).put(-8);
  bytes.key("none", Array).put(F32).put<uint64_t>(0);
  bytes.key("nested", Array).put(Array).put<uint64_t>(1);
  bytes.put(U8).put<uint64_t>(3).put<uint8_t>(1).put<uint16_t>(2);
  GgufFile file = parsed(bytes);
  EXPECT_EQ(file.find("names")->strings(),
            (std::vector<std::string_view>{"a", "bc"}));
  EXPECT_EQ(file.find("names")->integers(), std::nullopt);
  EXPECT_EQ(file.find("sizes")->integers(), (std::vector<int64_t>{7, -8}));
  EXPECT_EQ(file.find("sizes")->numbers(), (std::vector<double>{7, -8}));
  EXPECT_EQ(file.find("sizes")->strings(), std::nullopt);
  EXPECT_EQ(file.find("none")->numbers(), std::vector<double>{});
  EXPECT_EQ(file.find("none")->describe(), "array of 0 f32");
  EXPECT_EQ(file.find("nested")->integers(), std::nullopt);
  EXPECT_EQ(file.find("nested")->describe(), "array of 1 array");
}

TEST(GgufFile, FollowsTheAlignmentKey) {
  GgufBytes bytes;
  bytes.header(2, 1).key("general.alignment", U32).put<uint32_t>(256);
  bytes.tensor("a", {1}, 0, 0).tensor("b", {1}, 0, 256).data(512, 256);
  GgufFile file = parsed(bytes);
  EXPECT_EQ(file.findTensor("a")->offset % 256, 0u);
  EXPECT_EQ(file.findTensor("b")->offset, file.findTensor("a")->offset + 256);
}

TEST(GgufFile, AcceptsTensorsOfForeignTypes) {
  GgufBytes bytes;
  bytes.header(1, 0).tensor("t", {256}, 26, 0).data(66);
  EXPECT_EQ(parsed(bytes).findTensor("t")->bytes, 0u);
  EXPECT_EQ(tensorTypeName(26), "i32");
  EXPECT_EQ(tensorTypeName(12), "q4_k");
  EXPECT_EQ(tensorTypeName(99), "type 99");
}

TEST(GgufFile, QuotesForeignNamesSafely) {
  EXPECT_EQ(quotedName("plain"), "'plain'");
  EXPECT_EQ(quotedName("a\nb\x01"), "'a\\0Ab\\01'");
  EXPECT_EQ(quotedName(std::string(500, 'x')).size(), 121 + sizeof("…'") - 1);
}

TEST(GgufFile, RefusesBadHeaders) {
  GgufBytes file;
  EXPECT_EQ(errorOf(file),
            "file 'm.gguf': the magic number needs 4 bytes at offset 0, but 0 "
            "are left: the file is truncated or altered");
  file.bytes = "GGML";
  EXPECT_EQ(errorOf(file),
            "file 'm.gguf': begins with 'GGML', expected 'GGUF'");
  const std::string whole = GgufBytes().header(0, 0).bytes;
  for (auto [size, what] : {std::pair{7, "the version"},
                            {15, "the tensor count"},
                            {23, "the key count"}}) {
    file.bytes = whole.substr(0, size);
    EXPECT_NE(errorOf(file).find(std::string(what) + " needs "),
              std::string::npos)
        << errorOf(file);
  }
  EXPECT_EQ(errorOf(GgufBytes().header(0, 0, 1)),
            "file 'm.gguf': has version 1, expected 2 or 3");
  EXPECT_EQ(errorOf(GgufBytes().header(0, 0, 0x03000000)),
            "file 'm.gguf': is big-endian (version 3), expected a "
            "little-endian file");
  EXPECT_EQ(errorOf(GgufBytes().header(1000001, 0)),
            "file 'm.gguf': has 1000001 tensors, at most 1000000 are allowed");
  EXPECT_EQ(errorOf(GgufBytes().header(0, 1000001)),
            "file 'm.gguf': has 1000001 keys, at most 1000000 are allowed");
}

TEST(GgufFile, RefusesBadKeys) {
  GgufBytes start;
  start.header(0, 1);
  EXPECT_EQ(errorOf(GgufBytes(start).put<uint64_t>(1000001)),
            "file 'm.gguf': key 0 has 1000001 bytes, at most 1000000 are "
            "allowed");
  EXPECT_EQ(errorOf(GgufBytes(start).key("k", 13)),
            "file 'm.gguf': key 'k' has value type 13, expected 0 to 12");
  EXPECT_EQ(errorOf(GgufBytes(start).key("k", Bool).put<uint8_t>(2)),
            "file 'm.gguf': key 'k' is a bool of 2, expected 0 or 1");
  EXPECT_EQ(errorOf(GgufBytes(start).key("k", U64).put<uint32_t>(2)),
            "file 'm.gguf': key 'k' needs 8 bytes at offset 37, but 4 are "
            "left: the file is truncated or altered");
  GgufBytes twice;
  twice.header(0, 2).key("k", U8).put<uint8_t>(1).key("k", U8).put<uint8_t>(1);
  EXPECT_EQ(errorOf(twice), "file 'm.gguf': key 'k' occurs twice");
}

TEST(GgufFile, RefusesBadArrays) {
  GgufBytes start;
  start.header(0, 1).key("k", Array);
  EXPECT_EQ(errorOf(GgufBytes(start).put(U8).put<uint64_t>(1000001)),
            "file 'm.gguf': key 'k' has 1000001 elements, at most 1000000 are "
            "allowed");
  EXPECT_EQ(errorOf(GgufBytes(start).put(U64).put<uint64_t>(9).put(U64)),
            "file 'm.gguf': key 'k' needs 72 bytes at offset 49, but 4 are "
            "left: the file is truncated or altered");
  GgufBytes deep(start);
  for (int i = 0; i < 65; ++i)
    deep.put(Array).put<uint64_t>(1);
  EXPECT_EQ(errorOf(deep),
            "file 'm.gguf': key 'k' nests arrays deeper than 64");
}

TEST(GgufFile, RefusesBadAlignment) {
  GgufBytes start;
  start.header(0, 1);
  std::string expected = ", expected a u32 that is a power of 2";
  EXPECT_EQ(errorOf(GgufBytes(start).key("general.alignment", U32).put(24)),
            "file 'm.gguf': key 'general.alignment' is 24 as u32" + expected);
  EXPECT_EQ(errorOf(GgufBytes(start).key("general.alignment", U32).put(0)),
            "file 'm.gguf': key 'general.alignment' is 0 as u32" + expected);
  EXPECT_EQ(errorOf(GgufBytes(start).key("general.alignment", String).text("")),
            "file 'm.gguf': key 'general.alignment' is string" + expected);
}

TEST(GgufFile, RefusesBadShapes) {
  GgufBytes start;
  start.header(1, 0);
  EXPECT_EQ(
      errorOf(GgufBytes(start).tensor("t", {1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, 0)),
      "file 'm.gguf': tensor 't' has rank 9, at most 8 is allowed");
  std::string expected = ", expected at least 1 and at most 2^62 elements in "
                         "all";
  EXPECT_EQ(errorOf(GgufBytes(start).tensor("t", {4, 0}, 0, 0)),
            "file 'm.gguf': tensor 't' has size 0 in dimension 1" + expected);
  uint64_t big = uint64_t(1) << 32;
  EXPECT_EQ(errorOf(GgufBytes(start).tensor("t", {big, big}, 0, 0)),
            "file 'm.gguf': tensor 't' has size 4294967296 in dimension 1" +
                expected);
  EXPECT_EQ(errorOf(GgufBytes(start).tensor("t", {33}, 8, 0).data(68)),
            "file 'm.gguf': tensor 't' has rows of 33, expected a multiple of "
            "32 for type q8_0");
  GgufBytes twice;
  twice.header(2, 0).tensor("t", {1}, 0, 0).tensor("t", {1}, 0, 32).data(64);
  EXPECT_EQ(errorOf(twice), "file 'm.gguf': tensor 't' occurs twice");
}

TEST(GgufFile, RefusesTensorsOutsideTheFile) {
  GgufBytes start;
  start.header(1, 0);
  EXPECT_EQ(errorOf(GgufBytes(start).tensor("t", {1}, 0, 8).data(64)),
            "file 'm.gguf': tensor 't' lies at offset 8, expected a multiple "
            "of 32");
  EXPECT_EQ(errorOf(GgufBytes(start).tensor("t", {1}, 0, 96).data(64)),
            "file 'm.gguf': tensor 't' lies at offset 96 of the tensor data, "
            "which has 64 bytes: the file is truncated or altered");
  EXPECT_EQ(errorOf(GgufBytes(start).tensor("t", {1}, 0, ~uint64_t(31))),
            "file 'm.gguf': tensor 't' lies at offset 18446744073709551584 of "
            "the tensor data, which has 0 bytes: the file is truncated or "
            "altered");
  EXPECT_EQ(errorOf(GgufBytes(start).tensor("t", {17}, 0, 0).data(64)),
            "file 'm.gguf': tensor 't' needs 17 blocks of 4 bytes at offset "
            "64, but 64 bytes are left: the file is truncated or altered");
}

TEST(GgufFile, RefusesEveryTruncation) {
  GgufBytes whole = oneTensor(3);
  for (size_t length = 0; length < whole.bytes.size(); ++length) {
    GgufBytes part;
    part.bytes = whole.bytes.substr(0, length);
    EXPECT_NE(errorOf(part), "no error") << length;
  }
}

TEST(GgufFile, SurvivesAlteredBytes) {
  GgufBytes whole = oneTensor(3);
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    GgufBytes altered = whole;
    size_t flips = 1 + random() % 4;
    for (size_t f = 0; f < flips; ++f)
      altered.bytes[random() % (whole.bytes.size() - 256)] ^= 1 << random() % 8;
    auto file = GgufFile::parse(altered.span(), "m.gguf");
    if (!file) {
      EXPECT_NE(llvm::toString(file.takeError()), "");
      continue;
    }
    for (const GgufTensor &tensor : file->tensors())
      EXPECT_LE(tensor.bytes, altered.bytes.size() - tensor.offset);
  }
}

} // namespace
