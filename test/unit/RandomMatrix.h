/// Random matrices in every weight format beside their exact weights, for the
/// tests of kernels.
#ifndef SINTER_TEST_UNIT_RANDOMMATRIX_H
#define SINTER_TEST_UNIT_RANDOMMATRIX_H

#include "codegen/x86/Packer.h"
#include "dialects/tile/ActivationLayout.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

namespace sinter::test {

/// Memory of 64-byte lines with some to spare behind.
struct Buffer {
  explicit Buffer(size_t bytes)
      : data(static_cast<std::byte *>(
            std::aligned_alloc(64, (bytes + 255) / 64 * 64))) {
    std::memset(data, 0x5a, (bytes + 255) / 64 * 64);
  }
  ~Buffer() { std::free(data); }
  Buffer(const Buffer &) = delete;
  float *floats() { return reinterpret_cast<float *>(data); }
  std::byte *data;
};

inline unsigned sumsFor(const CanonicalForm &form) {
  unsigned set = form.codeOffset ? unsigned(kCodes32) : 0;
  if (form.min != GroupMin::None)
    set |= kMins32;
  if (form.group == 16)
    set <<= 2;
  return withSumShift(set,
                      form.codeOffset ? std::countr_zero(form.codeOffset) : 0);
}

/// Random blocks whose weights are of ordinary size: bytes are drawn until they
/// are (any bytes are a block, but most have scales out of this world).
inline std::vector<uint8_t> randomBlocks(const Format &format, size_t weights) {
  std::mt19937 random(format.ggufId + 1);
  std::vector<uint8_t> blocks(weights / format.blockWeights *
                              format.blockBytes);
  std::vector<float> values(format.blockWeights);
  for (size_t at = 0; at < blocks.size(); at += format.blockBytes) {
    auto ordinary = [&] {
      format.dequantize(&blocks[at], values.data());
      float largest = 0;
      for (float value : values)
        largest = std::isfinite(value) ? std::max(largest, std::abs(value))
                                       : INFINITY;
      return largest < 8 && (largest > 0.01f || format.blockWeights == 1);
    };
    do
      for (uint32_t i = 0; i < format.blockBytes; ++i)
        blocks[at + i] = static_cast<uint8_t>(random() >> 11);
    while (!ordinary());
  }
  return blocks;
}

/// A matrix of random blocks in one format.
struct Matrix {
  const Format &format;
  unsigned rows, width;
  std::vector<uint8_t> blocks;
  std::vector<float> exact;
  x86::PackedLayout layout;
  std::vector<std::byte> packed;

  Matrix(const Format &format, unsigned rows, unsigned width)
      : format(format), rows(rows), width(width),
        blocks(randomBlocks(format, size_t(rows) * width)),
        exact(size_t(rows) * width), layout(x86::PackedLayout::of(format)),
        packed(layout.matrixBytes(rows, width) + 64) {
    size_t count = blocks.size() / format.blockBytes;
    for (size_t i = 0; i < count; ++i)
      format.dequantize(&blocks[i * format.blockBytes],
                        &exact[i * format.blockWeights]);
    x86::PackJob job{.layout = layout, .k = width, .rows = {}, .scales = {}};
    size_t rowBytes = width / format.blockWeights * format.blockBytes;
    for (unsigned row = 0; row < rows; ++row) {
      job.rows.push_back(&blocks[row * rowBytes]);
      if (format.form.tensorScale)
        job.scales.push_back(0.5f);
    }
    if (format.form.tensorScale)
      for (float &weight : exact)
        weight *= 0.5f;
    auto bytes = std::span(packed).first(layout.matrixBytes(rows, width));
    EXPECT_TRUE(x86::packMatrix(job, bytes, 1, {}).ok());
  }
};

/// Standard normal numbers, the same every time.
inline void fillNormal(float *values, size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (size_t i = 0; i < count; ++i)
    values[i] = normal(random);
}

inline double nmse(const float *got, const double *want, size_t count) {
  double error = 0, power = 0;
  for (size_t i = 0; i < count; ++i) {
    error += (got[i] - want[i]) * (got[i] - want[i]);
    power += want[i] * want[i];
  }
  return error / power;
}

/// Codes times scales of an 8-bit row.
inline std::vector<double> readQ8(const std::byte *row, Q8Layout layout) {
  std::vector<double> values(layout.width);
  for (unsigned i = 0; i < layout.width; ++i) {
    float scale;
    std::memcpy(&scale, row + layout.scales + i / 32 * 4, 4);
    values[i] = double(scale) * int8_t(row[i]);
  }
  return values;
}

/// Expected products of `rows` activations with the matrix, in double.
inline std::vector<double>
products(const Matrix &matrix, const std::vector<std::vector<double>> &rows) {
  std::vector<double> result;
  for (const auto &row : rows)
    for (unsigned r = 0; r < matrix.rows; ++r) {
      double sum = 0;
      for (unsigned i = 0; i < matrix.width; ++i)
        sum += row[i] * matrix.exact[size_t(r) * matrix.width + i];
      result.push_back(sum);
    }
  return result;
}

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_RANDOMMATRIX_H
