/// Runs the CUDA kernels of caches of bytes on an emulated device: what is
/// written, byte for byte, and attention to it, by matrix units and by lanes,
/// in one block and in splits, against the formula in double precision.
#include "test/unit/AttentionDefinition.h"
#include "test/unit/CacheBytes.h"
#include "test/unit/EmulatedAttention.h"

#include <fmt/format.h>

#include <cstring>
#include <random>

using namespace sinter;
using namespace sinter::test;

namespace {

constexpr unsigned kPage = 64, kLength = 650, kBlocks = 11;
constexpr float kScale = 0.2f;

struct Variant {
  const char *name;
  ByteForm form;
  bool mma;
  unsigned heads, cacheHeads, keys, values;
  unsigned window = 0;
  bool sinks = false;

  unsigned group() const { return heads / cacheHeads; }
  unsigned tile() const { return mma ? std::max(1u, 16 / group()) : 3; }
  size_t width() const { return size_t(heads) * values; }
};

constexpr Variant kVariants[] = {
    {"q8", ByteForm::Q8_0, true, 6, 2, 64, 96},
    {"q8_window", ByteForm::Q8_0, true, 4, 1, 32, 32, 100, true},
    {"q8_wide", ByteForm::Q8_0, true, 2, 1, 32, 160},
    {"q8_lanes", ByteForm::Q8_0, false, 4, 2, 64, 160},
    {"e4m3", ByteForm::E4m3, true, 6, 2, 48, 80},
    {"e4m3_window", ByteForm::E4m3, true, 4, 1, 32, 32, 100, true},
    {"e4m3_lanes", ByteForm::E4m3, false, 4, 2, 36, 20},
};

std::string kernelText(const Variant &v) {
  std::string more;
  if (v.window)
    more += fmt::format(", window = {}", v.window);
  if (v.sinks)
    more += ", sinks = true";
  std::string shape = fmt::format(
      "<heads = {}, cacheHeads = {}, keyWidth = {}, valueWidth = {}, scale = "
      "{:e} : f64, queryStride = {}, output = <width = {}, stride = {}>, "
      "cacheElement = {}{}>",
      v.heads, v.cacheHeads, v.keys, v.values, kScale, v.heads * v.keys,
      v.width(), v.width(), elementText(v.form), more);
  return fmt::format(
      "tile.kernel @{0} #tile.attention{1} config #tile.config<tokens = {2}, "
      "mma = {3}> {{}}\n"
      "tile.kernel @{0}_splits #tile.attention_splits<attention = {1}> config "
      "#tile.config<mma = {3}> {{}}\n"
      "tile.kernel @{0}_merge #tile.merge_splits<attention = {1}> {{}}\n"
      "tile.kernel @{0}_write #tile.heads<cacheHeads = {4}, keyWidth = {5}, "
      "valueWidth = {6}, keyStride = {7}, valueStride = {8}, cacheElement = "
      "{9}> {{}}\n",
      v.name, shape, v.tile(), v.mma, v.cacheHeads, v.keys, v.values,
      v.cacheHeads * v.keys, v.cacheHeads * v.values, elementText(v.form));
}

struct Problem {
  const Variant &v;
  EmulatedKernels &kernels;
  std::vector<int32_t> table, all, slots;
  std::vector<int32_t> positions = {0, 1, 2, 3, 62, 63, 64, 511, 512, 648, 649};
  std::vector<float> keys, values, queries, sinks;
  BytePages own, written;

  Problem(const Variant &v, EmulatedKernels &kernels)
      : v(v), kernels(kernels), slots(kLength),
        keys(size_t(kLength) * v.cacheHeads * v.keys),
        values(size_t(kLength) * v.cacheHeads * v.values),
        queries(positions.size() * v.heads * v.keys), sinks(v.heads),
        own(v.form, v.cacheHeads, v.keys, v.values, kPage, kBlocks),
        written(own) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    for (std::vector<float> *row : {&keys, &values, &queries, &sinks})
      for (float &number : *row)
        number = normal(random);
    std::fill_n(keys.begin(), 16, 1e-35f);
    for (unsigned i = 0; i < 16; ++i)
      keys[size_t(v.cacheHeads) * v.keys + i] =
          (i % 2 ? -1.0f : 1.0f) * float(i) / 1024;
    for (unsigned block = 0; block < kBlocks; ++block)
      table.push_back(int32_t(block * 7 % kBlocks));
    for (unsigned t = 0; t < kLength; ++t)
      all.push_back(int32_t(t));
    // What is behind the last token may be anything; a scale, no number.
    for (BytePages *pages : {&own, &written})
      std::fill(pages->bytes.begin(), pages->bytes.end(), 0x7e);
    kernels.allow("pool", written.bytes.data(), written.bytes.size());
    kernels.allow("table", table.data(), table.size() * 4);
    kernels.allow("keys", keys.data(), keys.size() * 4);
    kernels.allow("values", values.data(), values.size() * 4);
    kernels.allow("queries", queries.data(), queries.size() * 4);
    kernels.allow("sinks", sinks.data(), sinks.size() * 4);
    kernels.allow("all", all.data(), all.size() * 4);
    kernels.allow("positions", positions.data(), positions.size() * 4);
    kernels.allow("slots", slots.data(), slots.size() * 4);
  }

  Batch batchOf(const int32_t *positions, unsigned tokens) const {
    Batch batch{};
    batch.tokens = int32_t(tokens);
    batch.positions = positions;
    batch.slots = slots.data();
    batch.blockTable = table.data();
    batch.blockStride = kBlocks;
    return batch;
  }
  unsigned pageOf(unsigned t) const { return unsigned(table[t / kPage]); }

  void write() {
    for (unsigned t = 0; t < kLength; ++t)
      for (unsigned h = 0; h < v.cacheHeads; ++h)
        own.put(pageOf(t), t % kPage, h,
                &keys[(size_t(t) * v.cacheHeads + h) * v.keys],
                &values[(size_t(t) * v.cacheHeads + h) * v.values]);
    kernels.run(fmt::format("{}_write", v.name),
                {keys.data(), values.data(), written.bytes.data()},
                batchOf(all.data(), kLength), v.cacheHeads * kLength);
  }
  std::vector<float> attend(unsigned first, unsigned count) {
    return test::attend(kernels, v, inputOf(first),
                        batchOf(positions.data() + first, count));
  }
  std::vector<float> attendInSplits(unsigned first, unsigned count) {
    return test::attendInSplits(kernels, v, inputOf(first),
                                batchOf(positions.data() + first, count));
  }
  AttentionInput inputOf(unsigned token) {
    return {&queries[size_t(token) * v.heads * v.keys], written.bytes.data(),
            v.sinks ? sinks.data() : nullptr};
  }

  /// One head of one token.
  std::vector<double> row(unsigned token, unsigned head) const {
    unsigned cacheHead = head / v.group();
    const float *query = &queries[(size_t(token) * v.heads + head) * v.keys];
    auto score = [&](unsigned t) {
      double dot = 0;
      for (unsigned d = 0; d < v.keys; ++d)
        dot += double(query[d]) * own.key(pageOf(t), t % kPage, cacheHead, d);
      return dot * kScale;
    };
    return attentionRow(unsigned(positions[token]), v.window,
                        v.sinks ? &sinks[head] : nullptr, v.values, score,
                        [&](unsigned t, unsigned d) {
                          return own.value(pageOf(t), t % kPage, cacheHead, d);
                        });
  }
  double errorOf(const std::vector<float> &output) const {
    return attentionError(
        unsigned(positions.size()), v.heads, v.values, output,
        [&](unsigned token, unsigned head) { return row(token, head); });
  }
};

TEST(CudaCacheBytes, AreWrittenByTheDefinitionAndReadByTheFormula) {
  std::string text;
  for (const Variant &v : kVariants)
    text += kernelText(v);
  EmulatedKernels kernels(text);
  ASSERT_EQ(kernels.error, "");
  for (const Variant &v : kVariants) {
    SCOPED_TRACE(v.name);
    kernels.reset();
    kernels.seed(0);
    Problem problem(v, kernels);
    problem.write();
    ASSERT_TRUE(problem.written.bytes == problem.own.bytes);
    auto tokens = unsigned(problem.positions.size());
    std::vector<float> whole = problem.attend(0, tokens);
    // Matrix units multiply halves: queries, weights, and codes times scales.
    EXPECT_LT(problem.errorOf(whole), v.mma ? 1e-6 : 1e-11);
    for (unsigned token = 0; token < tokens; ++token) {
      kernels.seed(token + 1);
      std::vector<float> one = problem.attend(token, 1);
      EXPECT_EQ(
          std::memcmp(one.data(), &whole[token * v.width()], v.width() * 4), 0)
          << "token " << token;
    }
    std::vector<float> split = problem.attendInSplits(7, 4);
    EXPECT_EQ(
        std::memcmp(split.data(), &whole[7 * v.width()], 4 * v.width() * 4), 0);
  }
}

TEST(CudaCacheBytes, RefusalsNameKernelAndReason) {
  auto errorOf = [](unsigned keys, unsigned values, unsigned tokens,
                    const char *element) {
    return EmulatedKernels(
               fmt::format("tile.kernel @k #tile.heads<cacheHeads = 1, "
                           "keyWidth = {}, valueWidth = {}, cacheElement = "
                           "{}, pageTokens = {}> {{}}",
                           keys, values, element, tokens))
        .error;
  };
  EXPECT_EQ(errorOf(48, 64, 64, "!sinter.q8_0"),
            "kernel 'k': keys of 48 and values of 64 in a cache of bytes; "
            "expected multiples of 32");
  EXPECT_EQ(errorOf(8, 6, 64, "f8E4M3FN"),
            "kernel 'k': keys of 8 and values of 6 in a cache of bytes; "
            "expected multiples of 4");
  EXPECT_EQ(errorOf(32, 32, 40, "f16"),
            "kernel 'k': cache pages of 40 tokens; expected a multiple of 16");
  EXPECT_EQ(errorOf(32, 32, 64, "bf16"),
            "kernel 'k': a cache of bf16, which only x86 has kernels for");
}

} // namespace
