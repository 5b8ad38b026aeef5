// Packs whole matrices: the same bytes from any number of threads and pieces,
// joined rows in their order, and jobs that cannot be right refused.
#include "codegen/x86/Packer.h"

#include "test/unit/CanonicalValues.h"
#include "test/unit/PackSource.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace sinter::x86 {
namespace {

TEST(PackerTest, ThreadsAndPiecesGiveTheSameBytes) {
  for (const char *name : {"q4_k", "q4_0", "nvfp4", "f16"}) {
    SCOPED_TRACE(name);
    const Source source(*findFormat(name), 165, 768);
    const std::vector<std::byte> one = pack(source.job, 1);
    EXPECT_EQ(pack(source.job, 4), one);
    EXPECT_EQ(pack(source.job, 64), one);
    std::vector<std::byte> pieces;
    size_t largest = 0;
    const uint64_t group = source.job.layout.rowGroupBytes(768);
    const PackSink sink = [&](std::span<const std::byte> piece) {
      largest = std::max(largest, piece.size());
      pieces.insert(pieces.end(), piece.begin(), piece.end());
      return Status();
    };
    EXPECT_TRUE(packMatrix(source.job, sink, 2, {}, 3 * group + 1).ok());
    EXPECT_EQ(pieces, one);
    EXPECT_EQ(largest, 3 * group);
    pieces.clear();
    EXPECT_TRUE(packMatrix(source.job, sink, 2, {}, 1).ok());
    EXPECT_EQ(pieces, one);
  }
}

TEST(PackerTest, JoinsTensorsInTheOrderOfRows) {
  const Format &format = *findFormat("q8_0");
  const Source gate(format, 32, 64, 1), up(format, 32, 64, 2);
  PackJob joined{gate.job.layout, 64, {}, {}};
  for (unsigned first : {0u, 16u})
    for (const Source *part : {&gate, &up})
      for (unsigned row = first; row < first + 16; ++row)
        joined.rows.push_back(part->job.rows[row]);
  const std::vector<std::byte> packed = pack(joined);
  CanonicalBlock expected;
  format.split(up.job.rows[17] + 34, expected);
  EXPECT_TRUE(sameParts(
      unpackBlock(joined.layout, groupOf(joined, packed, 49), 1, 1), expected));
}

TEST(PackerTest, ProgressGrowsToTheWhole) {
  const Source source(*findFormat("q6_k"), 100, 512);
  std::vector<std::byte> out(source.job.bytes());
  uint64_t last = 0;
  const auto progress = [&](uint64_t bytes) {
    EXPECT_GE(bytes, last);
    last = bytes;
  };
  EXPECT_TRUE(packMatrix(source.job, std::span(out), 2, progress).ok());
  EXPECT_EQ(last, out.size());
  last = 0;
  const PackSink sink = [](std::span<const std::byte>) { return Status(); };
  EXPECT_TRUE(packMatrix(source.job, sink, 2, progress, 40000).ok());
  EXPECT_EQ(last, out.size());
}

TEST(PackerTest, EmptyMatrixHasNoBytes) {
  PackJob job{PackedLayout::of(*findFormat("q4_0")), 32, {}, {}};
  EXPECT_TRUE(packMatrix(job, std::span<std::byte>(), 2).ok());
  const PackSink never = [](std::span<const std::byte>) {
    ADD_FAILURE() << "nothing to hand over";
    return Status();
  };
  EXPECT_TRUE(packMatrix(job, never, 2).ok());
}

TEST(PackerTest, NullRowsAreZero) {
  Source source(*findFormat("q5_0"), 16, 64);
  source.job.rows[3] = nullptr;
  const std::vector<std::byte> packed = pack(source.job);
  const CanonicalBlock found = unpackBlock(source.job.layout, packed, 3, 1);
  for (unsigned i = 0; i < 32; ++i)
    EXPECT_EQ(canonicalWeight(source.job.layout.format->form, found, i), 0.0f);
}

void expectRefused(const PackJob &job, size_t room, const char *message) {
  std::vector<std::byte> out(room);
  const Status status = packMatrix(job, std::span(out), 1);
  EXPECT_EQ(status.code(), Code::InvalidArgument);
  EXPECT_EQ(status.message(), message);
}

TEST(PackerTest, RefusesJobsThatContradictThemselves) {
  expectRefused(PackJob(), 0, "pack job has no layout");
  Source source(*findFormat("q4_k"), 16, 256);
  PackJob job = source.job;
  expectRefused(job, 2303, "room for 2303 bytes; the packed matrix has 2304");
  job.k = 255;
  expectRefused(job, 2304, "row has 255 weights; q4_k packs multiples of 256");
  job.k = 0;
  expectRefused(job, 0, "row has 0 weights; q4_k packs multiples of 256");
  job = source.job;
  job.scales.assign(16, 1.0f);
  expectRefused(job, 2304,
                "pack job has 16 tensor scales; 16 rows of q4_k need 0");
  job = Source(*findFormat("nvfp4"), 16, 64).job;
  job.scales.pop_back();
  expectRefused(job, job.bytes(),
                "pack job has 15 tensor scales; 16 rows of nvfp4 need 16");
}

TEST(PackerTest, SinkFailureEndsThePacking) {
  const Source source(*findFormat("q4_k"), 64, 256);
  int calls = 0;
  const PackSink full = [&](std::span<const std::byte>) {
    ++calls;
    return Status(Code::ResourceExhausted, "disk is full");
  };
  EXPECT_EQ(packMatrix(source.job, full, 1, {}, 1).message(), "disk is full");
  EXPECT_EQ(calls, 1);
}

TEST(PackerTest, LackOfMemoryIsReported) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer ends the program instead";
#endif
  // One row of zeros, as wide as no memory can hold 16 of.
  PackJob job{PackedLayout::of(*findFormat("q8_0")), uint64_t(1) << 54, {}, {}};
  job.rows.push_back(nullptr);
  const PackSink sink = [](std::span<const std::byte>) { return Status(); };
  const Status status = packMatrix(job, sink, 1);
  EXPECT_EQ(status.code(), Code::ResourceExhausted);
  EXPECT_EQ(status.message(), "no memory for a packing buffer of " +
                                  std::to_string(job.bytes()) + " bytes");
}

} // namespace
} // namespace sinter::x86
