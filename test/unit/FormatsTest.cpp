// Holds every weight format against an independent decoder, bit for bit, on
// blocks that tools/format_oracle.py wrote.
#include "dialects/formats/Format.h"

#include "test/unit/CanonicalValues.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace sinter {
namespace {

/// One section of an oracle file: blocks of one format and their weights.
struct Section {
  uint32_t ggufId, blocks, blockBytes, blockWeights;
  std::vector<uint8_t> bytes;
  std::vector<float> weights;
};

std::vector<Section> readOracle(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path << " cannot be read";
  std::vector<Section> sections;
  char magic[8];
  while (file.read(magic, sizeof(magic))) {
    EXPECT_EQ(std::string(magic, 8), "SNTRFMT1") << path;
    Section s;
    for (uint32_t *field :
         {&s.ggufId, &s.blocks, &s.blockBytes, &s.blockWeights})
      file.read(reinterpret_cast<char *>(field), sizeof(*field));
    s.bytes.resize(size_t(s.blocks) * s.blockBytes);
    s.weights.resize(size_t(s.blocks) * s.blockWeights);
    file.read(reinterpret_cast<char *>(s.bytes.data()), s.bytes.size());
    file.read(reinterpret_cast<char *>(s.weights.data()),
              s.weights.size() * sizeof(float));
    EXPECT_TRUE(file.good()) << path << " ends in a section";
    sections.push_back(std::move(s));
  }
  return sections;
}

std::filesystem::path committedOracle() {
  return std::filesystem::path(__FILE__).parent_path().parent_path() / "data" /
         "formats.bin";
}

uint32_t bitsOf(float value) { return std::bit_cast<uint32_t>(value); }

/// Checks dequantize against the oracle, and the canonical parts against both.
void checkSection(const Section &s) {
  const Format *format = findFormat(s.ggufId);
  ASSERT_NE(format, nullptr) << "no format has id " << s.ggufId;
  SCOPED_TRACE(format->name);
  ASSERT_EQ(format->blockBytes, s.blockBytes);
  ASSERT_EQ(format->blockWeights, s.blockWeights);
  std::vector<float> ours(s.blockWeights);
  for (uint32_t b = 0; b < s.blocks; ++b) {
    const uint8_t *block = &s.bytes[size_t(b) * s.blockBytes];
    const float *expected = &s.weights[size_t(b) * s.blockWeights];
    format->dequantize(block, ours.data());
    for (uint32_t i = 0; i < s.blockWeights; ++i)
      ASSERT_EQ(bitsOf(ours[i]), bitsOf(expected[i]))
          << "block " << b << " weight " << i << ": " << ours[i] << ", oracle "
          << expected[i];
    if (!format->split)
      continue;
    CanonicalBlock parts;
    format->split(block, parts);
    for (uint32_t i = 0; i < s.blockWeights; ++i) {
      const float value = canonicalWeight(format->form, parts, i);
      ASSERT_EQ(bitsOf(value), bitsOf(expected[i]))
          << "block " << b << " weight " << i << ": parts give " << value
          << ", oracle " << expected[i];
    }
  }
}

TEST(FormatsTest, MatchTheCommittedOracle) {
  std::set<uint32_t> seen;
  for (const Section &section : readOracle(committedOracle())) {
    ASSERT_GE(section.blocks, 8u);
    checkSection(section);
    seen.insert(section.ggufId);
  }
  for (const Format *format : allFormats())
    EXPECT_TRUE(seen.count(format->ggufId))
        << "test/data/formats.bin lacks " << format->name;
}

TEST(FormatsTest, MatchALargerOracle) {
  const char *folder = std::getenv("SINTER_ORACLE_DIR");
  if (!folder)
    GTEST_SKIP() << "SINTER_ORACLE_DIR is not set; tools/format_oracle.py "
                    "--folder writes what it may name";
  for (const Format *format : allFormats()) {
    const auto path =
        std::filesystem::path(folder) / (std::string(format->name) + ".bin");
    const std::vector<Section> sections = readOracle(path);
    ASSERT_EQ(sections.size(), 1u) << path;
    ASSERT_EQ(sections[0].ggufId, format->ggufId);
    checkSection(sections[0]);
  }
}

TEST(FormatsTest, ListHasTheFormatsInOrder) {
  const std::vector<std::pair<std::string_view, uint32_t>> expected = {
      {"f32", 0},      {"f16", 1},     {"q4_0", 2},     {"q4_1", 3},
      {"q5_0", 6},     {"q5_1", 7},    {"q8_0", 8},     {"q8_1", 9},
      {"q2_k", 10},    {"q3_k", 11},   {"q4_k", 12},    {"q5_k", 13},
      {"q6_k", 14},    {"q8_k", 15},   {"iq2_xxs", 16}, {"iq2_xs", 17},
      {"iq3_xxs", 18}, {"iq1_s", 19},  {"iq4_nl", 20},  {"iq3_s", 21},
      {"iq2_s", 22},   {"iq4_xs", 23}, {"iq1_m", 29},   {"bf16", 30},
      {"tq1_0", 34},   {"tq2_0", 35},  {"mxfp4", 39},   {"nvfp4", 40},
      {"q1_0", 41},    {"q2_0", 42}};
  std::vector<std::pair<std::string_view, uint32_t>> found;
  for (const Format *format : allFormats())
    found.emplace_back(format->name, format->ggufId);
  EXPECT_EQ(found, expected);
}

TEST(FormatsTest, LookUp) {
  for (const Format *format : allFormats()) {
    EXPECT_EQ(findFormat(format->ggufId), format);
    EXPECT_EQ(findFormat(format->name), format);
  }
  EXPECT_EQ(findFormat(4u), nullptr);
  EXPECT_EQ(findFormat(0xFFFFFFFFu), nullptr);
  EXPECT_EQ(findFormat("q4_9"), nullptr);
  EXPECT_EQ(findFormat("Q4_K"), nullptr);
  EXPECT_EQ(findFormat(""), nullptr);
}

/// Bits that choose between the halves of a grid format's codebook.
unsigned halfBits(const Format &format) {
  switch (format.form.half) {
  case GridHalf::Weight:
    return format.blockWeights;
  case GridHalf::Parity:
    return format.blockWeights / 8 * 7;
  case GridHalf::Point:
    return format.blockWeights / format.form.pointWeights;
  case GridHalf::Group:
    return format.blockWeights / format.form.group;
  }
  return 0;
}

/// Bits of a block that follow from its others: Q8_1 and Q8_K have sums.
unsigned derivedBits(const Format &format) {
  return format.name == "q8_1" ? 16 : format.name == "q8_k" ? 256 : 0;
}

/// Bits that the canonical parts of one block hold.
unsigned informationBits(const Format &format) {
  const CanonicalForm &form = format.form;
  const unsigned groups = format.blockWeights / form.group;
  const unsigned mins = form.min == GroupMin::None ? 0 : 1;
  unsigned codes = format.blockWeights * form.bits;
  if (form.family == Family::Ternary)
    codes = (format.blockWeights + 4) / 5 * 8; // five digits in a byte
  if (form.family == Family::Grid)
    codes = format.blockWeights / form.pointWeights * form.indexBits +
            halfBits(format);
  switch (form.groupScale) {
  case GroupScale::Integer:
    return codes + (1 + mins) * (groups * form.scaleBits + 16);
  case GroupScale::F16:
    return codes + (1 + mins) * groups * 16;
  case GroupScale::F32:
    return codes + groups * 32;
  default:
    return codes + groups * 8;
  }
}

TEST(FormatsTest, FormsAgreeWithTheirBlocks) {
  for (const Format *format : allFormats()) {
    SCOPED_TRACE(format->name);
    const CanonicalForm &form = format->form;
    if (form.family == Family::Plain) {
      EXPECT_NE(form.plain, PlainType::None);
      EXPECT_EQ(format->blockWeights, 1u);
      EXPECT_EQ(format->split, nullptr);
      continue;
    }
    // No bit of a block is lost, none is held twice.
    EXPECT_EQ(informationBits(*format) + derivedBits(*format),
              8 * format->blockBytes);
    EXPECT_TRUE(form.group == 16 ||
                (form.group % 32 == 0 && std::has_single_bit(form.group)));
    EXPECT_EQ(format->blockWeights % form.group, 0u);
    EXPECT_EQ(form.super, form.groupScale == GroupScale::Integer ? 256u : 0u);
    EXPECT_TRUE(form.codeOffset == 0 || std::has_single_bit(form.codeOffset));
    if (form.family != Family::Codebook && form.family != Family::Grid)
      continue;
    EXPECT_EQ(form.bits, form.family == Family::Grid ? 1u : 4u);
    for (int entry : form.codebook) {
      EXPECT_GE(entry + int(form.codeOffset), 0);
      EXPECT_LE(entry + int(form.codeOffset), 255);
    }
  }
}

TEST(FormatsTest, SplitStaysWithinItsBits) {
  for (const Section &section : readOracle(committedOracle())) {
    const Format &format = *findFormat(section.ggufId);
    if (!format.split)
      continue;
    SCOPED_TRACE(format.name);
    const CanonicalForm &form = format.form;
    for (uint32_t b = 0; b < section.blocks; ++b) {
      CanonicalBlock parts;
      format.split(&section.bytes[size_t(b) * section.blockBytes], parts);
      for (uint8_t code : parts.codes)
        ASSERT_LT(code, 1u << form.bits);
      if (form.groupScale != GroupScale::Integer)
        continue;
      for (unsigned g = 0; g < 16; ++g) {
        ASSERT_LT(parts.groupScales[g], 1u << form.scaleBits);
        ASSERT_LT(parts.groupMins[g], 1u << form.scaleBits);
      }
    }
  }
}

TEST(FormatsTest, HalfToFloatIsExact) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = halfToFloat(static_cast<uint16_t>(bits));
    const int exponent = bits >> 10 & 31;
    const int mantissa = bits & 1023;
    EXPECT_EQ(std::signbit(value), bits >> 15 == 1);
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(value), mantissa != 0);
      EXPECT_EQ(std::isinf(value), mantissa == 0);
      continue;
    }
    const double magnitude = exponent == 0
                                 ? std::ldexp(mantissa, -24)
                                 : std::ldexp(1024 + mantissa, exponent - 25);
    ASSERT_EQ(std::fabs(double(value)), magnitude) << bits;
  }
}

TEST(FormatsTest, SmallFloatsAreExact) {
  EXPECT_EQ(bfloat16ToFloat(0x3FC0), 1.5f);
  EXPECT_EQ(bfloat16ToFloat(0x8001), -0x1p-133f);
  for (int e = 0; e < 255; ++e)
    ASSERT_EQ(double(e8m0ToFloat(static_cast<uint8_t>(e))),
              std::ldexp(1.0, e - 127));
  EXPECT_TRUE(std::isinf(e8m0ToFloat(255)));
  for (int bits = 0; bits < 256; ++bits) {
    const int exponent = bits >> 3 & 15;
    const int mantissa = bits & 7;
    const double value = bits == 0x7F ? 0
                         : exponent == 0
                             ? std::ldexp(mantissa, -9)
                             : std::ldexp(8 + mantissa, exponent - 10);
    ASSERT_EQ(double(ue4m3ToFloat(static_cast<uint8_t>(bits))), value) << bits;
  }
}

} // namespace
} // namespace sinter
