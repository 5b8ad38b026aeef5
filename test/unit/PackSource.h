/// Random matrices to pack, for the tests of the packed layout and the packer.
#ifndef SINTER_TEST_UNIT_PACKSOURCE_H
#define SINTER_TEST_UNIT_PACKSOURCE_H

#include "codegen/x86/Packer.h"

#include <gtest/gtest.h>

#include <random>

namespace sinter::x86 {

/// A matrix of random bytes (scales need not be finite to be moved) and its
/// pack job.
struct Source {
  std::vector<uint8_t> bytes;
  uint64_t rowBytes;
  PackJob job;

  Source(const Format &format, uint64_t rows, uint64_t k, unsigned seed = 0) {
    rowBytes = k / format.blockWeights * format.blockBytes;
    bytes.resize(rows * rowBytes);
    std::mt19937 random(format.ggufId + 100 * seed + 1);
    for (uint8_t &byte : bytes)
      byte = static_cast<uint8_t>(random() >> 11);
    job.layout = PackedLayout::of(format);
    job.k = k;
    for (uint64_t row = 0; row < rows; ++row) {
      job.rows.push_back(&bytes[row * rowBytes]);
      if (format.form.tensorScale)
        job.scales.push_back(0.25f + static_cast<float>(row));
    }
  }
};

inline std::vector<std::byte> pack(const PackJob &job, unsigned threads = 1) {
  std::vector<std::byte> out(job.bytes(), std::byte(0xA5));
  const Status status = packMatrix(job, std::span(out), threads);
  EXPECT_TRUE(status.ok()) << status.message();
  return out;
}

inline std::span<const std::byte> groupOf(const PackJob &job,
                                          const std::vector<std::byte> &packed,
                                          uint64_t row) {
  const uint64_t bytes = job.layout.rowGroupBytes(job.k);
  return std::span(packed).subspan(row / kRowGroup * bytes, bytes);
}

inline bool sameParts(const CanonicalBlock &a, const CanonicalBlock &b) {
  return a.codes == b.codes && a.indices == b.indices &&
         a.groupScales == b.groupScales && a.groupMins == b.groupMins &&
         a.superScale == b.superScale && a.superMin == b.superMin;
}

} // namespace sinter::x86

#endif // SINTER_TEST_UNIT_PACKSOURCE_H
