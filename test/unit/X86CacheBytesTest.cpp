/// Runs the emitted kernels of caches of bytes on each instruction set: what is
/// written, byte for byte, and attention to it against the formula in double
/// precision, over a block table and over a ring.
#include "test/unit/AttentionDefinition.h"
#include "test/unit/CacheBytes.h"
#include "test/unit/EmittedKernels.h"

#include <random>
#include <vector>

using namespace sinter;
using namespace sinter::test;

namespace {

constexpr unsigned kHeads = 6, kCacheHeads = 2, kKeys = 96, kValues = 64;
constexpr unsigned kPage = 64, kLength = 300, kStep = 7;
constexpr float kScale = 0.1f;

struct Variant {
  const char *name;
  ByteForm form;
  unsigned window = 0;
  float softcap = 0;
  bool sinks = false, ring = false;
};

constexpr Variant kVariants[] = {
    {"q8", ByteForm::Q8_0},
    {"q8_ring", ByteForm::Q8_0, 70, 0, false, true},
    {"q8_all", ByteForm::Q8_0, 100, 3, true, true},
    {"e4m3", ByteForm::E4m3},
    {"e4m3_all", ByteForm::E4m3, 100, 3, true, true},
};

std::string kernelText(const Variant &v) {
  std::string more = v.ring ? ", ring = true" : "", sight;
  if (v.window)
    sight += fmt::format(", window = {}", v.window);
  if (v.softcap != 0)
    sight += fmt::format(", softcap = {:e} : f64", v.softcap);
  if (v.sinks)
    sight += ", sinks = true";
  std::string text = fmt::format(
      "tile.kernel @{}_write #tile.heads<cacheHeads = {}, keyWidth = {}, "
      "valueWidth = {}, keyStride = {}, valueStride = {}, cacheElement = "
      "{}{}> {{}}\n",
      v.name, kCacheHeads, kKeys, kValues, kCacheHeads * kKeys,
      kCacheHeads * kValues, elementText(v.form), more);
  for (unsigned tokens : {1u, 4u})
    text += fmt::format(
        "tile.kernel @{}{} #tile.attention<heads = {}, cacheHeads = {}, "
        "keyWidth = {}, valueWidth = {}, scale = {:e} : f64, queryStride = {}, "
        "output = <width = {}, stride = {}>, cacheElement = {}{}{}> config "
        "#tile.config<tokens = {}> {{}}\n",
        v.name, tokens, kHeads, kCacheHeads, kKeys, kValues, kScale,
        kHeads * kKeys, kHeads * kValues, kHeads * kValues, elementText(v.form),
        sight, more, tokens);
  return text;
}

constexpr float kSinks[kHeads] = {0.5f, -1.0f, 4.0f, 0.0f, 1.0f, -3.0f};

/// A sequence's rows, and its cache as a kernel and as the test wrote it.
struct Sequence {
  const Variant &v;
  unsigned blocks;
  std::vector<int32_t> pages, positions, slots;
  std::vector<float> keys, values, queries;
  BytePages own, written;
  CacheRing ring;

  explicit Sequence(const Variant &v)
      : v(v), blocks(v.ring ? 4 : (kLength + kPage - 1) / kPage),
        slots(kLength, 0), keys(kLength * kCacheHeads * kKeys),
        values(kLength * kCacheHeads * kValues),
        queries(kStep * kHeads * kKeys),
        own(v.form, kCacheHeads, kKeys, kValues, kPage, blocks), written(own) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (std::vector<float> *all : {&keys, &values, &queries})
      for (float &value : *all)
        value = normal(random);
    // Blocks of zeros, of numbers too small and too large for E4M3, and ties.
    std::fill_n(keys.begin(), 32, 0.0f);
    std::fill_n(values.begin(), 32, 1e-35f);
    for (unsigned i = 0; i < 32; ++i) {
      keys[32 + i] = (i % 2 ? -1.0f : 1.0f) * float(i) / 1024;
      values[32 + i] = float(i) * (v.form == ByteForm::E4m3 ? 33 : 1);
    }
    for (unsigned b = 0; b < blocks; ++b)
      pages.push_back(static_cast<int32_t>(blocks - 1 - b));
    for (unsigned t = 0; t < kLength; ++t)
      positions.push_back(static_cast<int32_t>(t));
    ring = {written.bytes.data(), pages.data(), blocks};
  }

  unsigned pageOf(unsigned t) const { return pages[t / kPage % blocks]; }
  void *cache() {
    return v.ring ? static_cast<void *>(&ring) : written.bytes.data();
  }
  Batch batchOf(unsigned first, unsigned tokens) const {
    Batch batch{};
    batch.tokens = static_cast<int32_t>(tokens);
    batch.positions = positions.data() + first;
    batch.slots = slots.data();
    batch.blockTable = v.ring ? nullptr : pages.data();
    batch.blockStride = blocks;
    return batch;
  }
  /// Token by token, so that a ring's pages are written in order.
  void write(Kernels &kernels) {
    for (unsigned t = 0; t < kLength; ++t) {
      for (unsigned h = 0; h < kCacheHeads; ++h)
        own.put(pageOf(t), t % kPage, h,
                &keys[(size_t(t) * kCacheHeads + h) * kKeys],
                &values[(size_t(t) * kCacheHeads + h) * kValues]);
      void *operands[] = {&keys[size_t(t) * kCacheHeads * kKeys],
                          &values[size_t(t) * kCacheHeads * kValues], cache()};
      Batch batch = batchOf(t, 1);
      kernels[fmt::format("{}_write", v.name).c_str()](operands, &batch, 0,
                                                       kCacheHeads);
    }
  }

  /// What the kernels multiply of a query: of Q8_0 it is quantised likewise.
  double query(unsigned token, unsigned head, unsigned d) const {
    const float *row = &queries[(size_t(token) * kHeads + head) * kKeys];
    if (v.form == ByteForm::E4m3)
      return row[d];
    SignedBlock block(row + d / 32 * 32);
    return double(block.codes[d % 32]) * block.scale;
  }
  /// One head of a token of the last step, by the formula.
  std::vector<double> expected(unsigned token, unsigned head) const {
    unsigned cacheHead = head / 3;
    auto score = [&](unsigned t) {
      double dot = 0;
      for (unsigned d = 0; d < kKeys; ++d)
        dot +=
            query(token, head, d) * own.key(pageOf(t), t % kPage, cacheHead, d);
      return capped(dot * kScale, v.softcap);
    };
    return attentionRow(kLength - kStep + token, v.window,
                        v.sinks ? &kSinks[head] : nullptr, kValues, score,
                        [&](unsigned t, unsigned d) {
                          return own.value(pageOf(t), t % kPage, cacheHead, d);
                        });
  }

  void attend(Kernels &kernels, unsigned first, unsigned tokens, unsigned tile,
              std::vector<float> &into) {
    std::vector<void *> operands = {&queries[size_t(first) * kHeads * kKeys],
                                    cache()};
    if (v.sinks)
      operands.push_back(const_cast<float *>(kSinks));
    operands.push_back(&into[size_t(first) * kHeads * kValues]);
    Batch batch = batchOf(kLength - kStep + first, tokens);
    kernels[fmt::format("{}{}", v.name, tile).c_str()](
        operands.data(), &batch, 0,
        int64_t(kCacheHeads) * ((tokens + tile - 1) / tile));
  }
};

class X86CacheBytes : public testing::TestWithParam<Level> {
protected:
  void SetUp() override {
    if (!GetParam().available)
      GTEST_SKIP() << "unsupported: this machine lacks " << GetParam().name;
  }
};

TEST_P(X86CacheBytes, AreWrittenByTheDefinitionAndReadByTheFormula) {
  std::string text;
  for (const Variant &v : kVariants)
    text += kernelText(v);
  Kernels kernels(GetParam(), text);
  ASSERT_EQ(kernels.error, "");
  for (const Variant &v : kVariants) {
    SCOPED_TRACE(v.name);
    Sequence s(v);
    s.write(kernels);
    ASSERT_TRUE(s.written.bytes == s.own.bytes);
    std::vector<float> output(kStep * kHeads * kValues), single(output);
    s.attend(kernels, 0, kStep, 4, output);
    for (unsigned t = 0; t < kStep; ++t)
      s.attend(kernels, t, 1, 1, single);
    // No bit depends on which tokens share a tile.
    EXPECT_EQ(output, single);
    for (unsigned t = 0; t < kStep; ++t)
      for (unsigned h = 0; h < kHeads; ++h) {
        std::vector<double> want = s.expected(t, h);
        for (unsigned d = 0; d < kValues; ++d)
          // A page's weights have 16 bits of the largest's.
          ASSERT_NEAR(output[(t * kHeads + h) * kValues + d], want[d], 2e-5)
              << "token " << t << " head " << h << " element " << d;
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, X86CacheBytes, testing::ValuesIn(levels()),
                         [](const auto &info) { return info.param.name; });

} // namespace
