// Packs random blocks of every format and takes them apart again: nothing may
// be lost, grow by more than 3 %, or lie elsewhere than the picture says.
#include "codegen/x86/PackedLayout.h"

#include "test/unit/CanonicalValues.h"
#include "test/unit/PackSource.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace sinter::x86 {
namespace {

void checkPlain(const Source &source, const std::vector<std::byte> &packed) {
  const PackJob &job = source.job;
  const unsigned bytes = job.layout.format->blockBytes;
  const std::vector<uint8_t> zero(bytes);
  const uint64_t padded = (job.rows.size() + 15) / 16 * 16;
  for (uint64_t row = 0; row < padded; ++row)
    for (uint64_t k = 0; k < job.k; ++k) {
      const uint8_t *expected =
          row < job.rows.size() ? job.rows[row] + k * bytes : zero.data();
      const std::byte *found =
          &groupOf(job, packed, row)[(k * 16 + row % 16) * bytes];
      ASSERT_EQ(std::memcmp(found, expected, bytes), 0)
          << "row " << row << " k " << k;
    }
}

/// What a code stands for before the scale; 0 for any code where none is zero.
int zeroDistance(const CanonicalForm &form, uint8_t code) {
  if (form.family == Family::Grid || form.codeShift)
    return 0;
  if (form.family != Family::Codebook)
    return int(code) - int(form.codeOffset);
  const bool hasZero =
      std::count(form.codebook.begin(), form.codebook.end(), 0) != 0;
  return hasZero ? form.codebook[code] : 0;
}

/// Every part of every block comes back; what was added decodes to zero.
void checkBlocks(const Source &source, const std::vector<std::byte> &packed) {
  const PackJob &job = source.job;
  const Format &format = *job.layout.format;
  const uint64_t blocks = job.k / format.blockWeights;
  const uint64_t padded = job.layout.paddedWidth(job.k) / format.blockWeights;
  for (uint64_t row = 0; row < (job.rows.size() + 15) / 16 * 16; ++row)
    for (uint64_t b = 0; b < padded; ++b) {
      const CanonicalBlock found =
          unpackBlock(job.layout, groupOf(job, packed, row), row % 16, b);
      if (row < job.rows.size() && b < blocks) {
        CanonicalBlock expected;
        format.split(job.rows[row] + b * format.blockBytes, expected);
        ASSERT_TRUE(sameParts(found, expected))
            << "row " << row << " block " << b;
        continue;
      }
      for (unsigned i = 0; i < format.blockWeights; ++i)
        ASSERT_EQ(zeroDistance(format.form, found.codes[i]), 0)
            << "padding row " << row << " block " << b << " weight " << i;
      for (unsigned i = 0; i < format.blockWeights; ++i)
        ASSERT_EQ(canonicalWeight(format.form, found, i), 0.0f)
            << "padding row " << row << " block " << b << " weight " << i;
    }
}

TEST(PackedLayoutTest, UnpackingReturnsEveryPart) {
  for (const Format *format : allFormats()) {
    SCOPED_TRACE(format->name);
    const uint64_t block = std::max(format->blockWeights, 32u);
    for (uint64_t rows : {1, 16, 37})
      for (uint64_t blocks : {1, 3, 7, 8}) {
        SCOPED_TRACE(testing::Message() << rows << " rows, " << blocks);
        const Source source(*format, rows, block * blocks);
        const std::vector<std::byte> packed = pack(source.job);
        if (format->form.family == Family::Plain)
          checkPlain(source, packed);
        else
          checkBlocks(source, packed);
        if (HasFatalFailure())
          return;
      }
  }
}

TEST(PackedLayoutTest, PlainFormatsTakeAnyWidth) {
  for (const char *name : {"f32", "f16", "bf16"}) {
    const Source source(*findFormat(name), 19, 71);
    checkPlain(source, pack(source.job));
  }
}

TEST(PackedLayoutTest, GrowsByAtMostThreePercent) {
  const std::pair<uint64_t, uint64_t> shapes[] = {
      {1024, 3072}, {2048, 1024}, {151936, 1024}, {2880, 2880}, {4096, 14336}};
  for (const Format *format : allFormats())
    for (auto [rows, k] : shapes) {
      if (k % format->blockWeights != 0)
        continue;
      const uint64_t source =
          rows * (k / format->blockWeights * format->blockBytes);
      EXPECT_LE(PackedLayout::of(*format).matrixBytes(rows, k) * 100,
                source * 103)
          << format->name << " " << rows << " x " << k;
    }
}

TEST(PackedLayoutTest, PaddedWidths) {
  EXPECT_EQ(PackedLayout::of(*findFormat("f16")).paddedWidth(71), 71u);
  EXPECT_EQ(PackedLayout::of(*findFormat("q4_0")).paddedWidth(96), 128u);
  EXPECT_EQ(PackedLayout::of(*findFormat("q4_1")).paddedWidth(96), 96u);
  EXPECT_EQ(PackedLayout::of(*findFormat("mxfp4")).paddedWidth(2880), 2944u);
  EXPECT_EQ(PackedLayout::of(*findFormat("nvfp4")).paddedWidth(192), 192u);
  EXPECT_EQ(PackedLayout::of(*findFormat("q4_k")).paddedWidth(512), 512u);
}

void expectPlane(const Plane &plane, unsigned bits, unsigned lowBit,
                 unsigned offset, unsigned lines) {
  EXPECT_EQ(plane.bits, bits);
  EXPECT_EQ(plane.lowBit, lowBit);
  EXPECT_EQ(plane.offset, offset);
  EXPECT_EQ(plane.lines, lines);
}

TEST(PackedLayoutTest, PictureOfQ4_0) {
  // | 16 f16 of k 0..31 | 16 f16 of k 32..63 | unit 256 B | unit 256 B |
  const PackedLayout layout = PackedLayout::of(*findFormat("q4_0"));
  EXPECT_EQ(layout.recordWeights, 64u);
  EXPECT_EQ(layout.headerBytes, 64u);
  EXPECT_EQ(layout.unitBytes, 256u);
  EXPECT_EQ(layout.recordBytes, 576u);
  EXPECT_EQ(layout.groups, 2u);
  EXPECT_EQ(layout.groupScale, 0);
  EXPECT_EQ(layout.groupStride, 32u);
  EXPECT_EQ(layout.groupMin, -1);
  EXPECT_EQ(layout.superScale, -1);
  EXPECT_EQ(layout.rowGroupHeader, 0u);
  ASSERT_EQ(layout.codePlanes.size(), 1u);
  expectPlane(layout.codePlanes[0], 4, 0, 0, 4);
}

TEST(PackedLayoutTest, PictureOfQ4_K) {
  // | 16 d | 16 dmin | scales 4+2 lines | mins 4+2 lines | 8 units of 256 B |
  const PackedLayout layout = PackedLayout::of(*findFormat("q4_k"));
  EXPECT_EQ(layout.recordWeights, 256u);
  EXPECT_EQ(layout.headerBytes, 256u);
  EXPECT_EQ(layout.unitBytes, 256u);
  EXPECT_EQ(layout.recordBytes, 2304u);
  EXPECT_EQ(layout.groups, 8u);
  EXPECT_EQ(layout.superScale, 0);
  EXPECT_EQ(layout.superMin, 32);
  EXPECT_EQ(layout.groupScale, -1);
  EXPECT_EQ(layout.groupMin, -1);
  ASSERT_EQ(layout.scalePlanes.size(), 2u);
  expectPlane(layout.scalePlanes[0], 4, 0, 64, 4);
  expectPlane(layout.scalePlanes[1], 2, 4, 128, 2);
  ASSERT_EQ(layout.minPlanes.size(), 2u);
  expectPlane(layout.minPlanes[0], 4, 0, 160, 4);
  expectPlane(layout.minPlanes[1], 2, 4, 224, 2);
}

TEST(PackedLayoutTest, PictureOfTheOtherHeaders) {
  const PackedLayout q6 = PackedLayout::of(*findFormat("q6_k"));
  EXPECT_EQ(q6.headerBytes, 320u); // 32 + 256, padded
  EXPECT_EQ(q6.unitBytes, 384u);
  ASSERT_EQ(q6.codePlanes.size(), 2u);
  expectPlane(q6.codePlanes[0], 4, 0, 0, 4);
  expectPlane(q6.codePlanes[1], 2, 4, 256, 2);
  ASSERT_EQ(q6.scalePlanes.size(), 1u);
  expectPlane(q6.scalePlanes[0], 8, 0, 32, 16);
  const PackedLayout q41 = PackedLayout::of(*findFormat("q4_1"));
  EXPECT_EQ(q41.recordWeights, 32u);
  EXPECT_EQ(q41.groupScale, 0);
  EXPECT_EQ(q41.groupMin, 32);
  const PackedLayout nv = PackedLayout::of(*findFormat("nvfp4"));
  EXPECT_EQ(nv.rowGroupHeader, 64u);
  EXPECT_EQ(nv.recordWeights, 64u);
  EXPECT_EQ(nv.headerBytes, 64u);
  EXPECT_EQ(nv.groupStride, 16u);
}

/// The byte of a packed group at an offset, as a number.
unsigned at(const std::vector<std::byte> &packed, size_t offset) {
  return std::to_integer<unsigned>(packed.at(offset));
}

TEST(PackedLayoutTest, BytesOfQ4_0LieAsDrawn) {
  const Source source(*findFormat("q4_0"), 16, 64);
  const std::vector<std::byte> packed = pack(source.job);
  // Row 5, k = 42: block 1, its weight 10 is the low nibble of byte 2 + 10.
  const uint8_t *block = source.job.rows[5] + 18;
  const unsigned code = block[12] & 0xF;
  // Unit 1, quad 2 (line 2, low nibble), byte 4 * 5 + 2.
  EXPECT_EQ(at(packed, 64 + 256 + 2 * 64 + 22) & 0xF, code);
  // k = 58 is 16 later: the high nibble on both sides, in the same byte.
  EXPECT_EQ(at(packed, 64 + 256 + 2 * 64 + 22) >> 4, block[12] >> 4);
  // The scale of group 1.
  EXPECT_EQ(at(packed, 32 + 2 * 5), block[0]);
  EXPECT_EQ(at(packed, 32 + 2 * 5 + 1), block[1]);
}

TEST(PackedLayoutTest, BytesOfQ4_KLieAsDrawn) {
  const Source source(*findFormat("q4_k"), 16, 256);
  const std::vector<std::byte> packed = pack(source.job);
  const uint8_t *block = source.job.rows[9];
  // Row 9, k = 32 + 7: high nibble of qs byte 7; unit 1, quad 1, j 3.
  EXPECT_EQ(at(packed, 256 + 256 + 64 + 4 * 9 + 3) & 0xF, block[16 + 7] >> 4);
  // Scale 1 is six bits of byte 4 + 1: planes at 64 and 128.
  const unsigned scale = block[5] & 0x3F;
  EXPECT_EQ(at(packed, 64 + 16 * 1 + 9) & 0xF, scale & 0xF);
  EXPECT_EQ(at(packed, 128 + 16 * 1 + 9) & 3, scale >> 4);
  // Group 5 shares line 1 of the first plane, four bits up; in the second
  // plane (two lines of four groups) it is line 1, four bits up.
  const unsigned fifth = (block[4 + 9] & 0xF) | (block[4 + 1] >> 6) << 4;
  EXPECT_EQ(at(packed, 64 + 16 * 1 + 9) >> 4, fifth & 0xF);
  EXPECT_EQ(at(packed, 128 + 16 * 1 + 9) >> 4 & 3, fifth >> 4);
  // d and dmin.
  EXPECT_EQ(at(packed, 2 * 9), block[0]);
  EXPECT_EQ(at(packed, 32 + 2 * 9 + 1), block[3]);
}

TEST(PackedLayoutTest, TensorScalesComeFirst) {
  const Source source(*findFormat("nvfp4"), 19, 128);
  const std::vector<std::byte> packed = pack(source.job);
  for (uint64_t row = 0; row < 32; ++row) {
    float scale;
    std::memcpy(&scale, groupOf(source.job, packed, row).data() + row % 16 * 4,
                4);
    EXPECT_EQ(scale, row < 19 ? 0.25f + static_cast<float>(row) : 0.0f);
  }
}

} // namespace
} // namespace sinter::x86
