/// Runs emitted attention kernels, with window, soft-cap and sinks, over a
/// block table and over a ring, against the formula in double precision.
#include "test/unit/AttentionDefinition.h"
#include "test/unit/EmittedKernels.h"

#include <bit>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

using namespace sinter;
using sinter::test::Kernels;
using sinter::test::Level;
using sinter::test::levels;

namespace {

constexpr unsigned kHeads = 4, kCacheHeads = 2, kKeys = 32, kValues = 16;
constexpr unsigned kPage = 64, kLength = 300, kStep = 7;
constexpr float kScale = 0.2f;

/// What a kernel has beyond the plain one.
struct Variant {
  const char *name;
  unsigned window;
  float softcap;
  bool sinks, ring;
  bool pairs = false; ///< a cache of bfloat16
};

constexpr Variant kVariants[] = {
    {"plain", 0, 0, false, false},  {"window", 70, 0, false, false},
    {"ring", 70, 0, false, true},   {"one", 1, 0, false, true},
    {"capped", 0, 3, false, false}, {"sinks", 0, 0, true, false},
    {"all", 100, 3, true, true},
};

/// For levels that multiply bfloat16.
constexpr Variant kPairVariants[] = {
    {"pairs", 0, 0, false, false, true},
    {"pairs_ring", 70, 0, false, true, true},
    {"pairs_all", 100, 3, true, true, true},
};

/// The nearest bfloat16, ties to even.
uint16_t toBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float rounded(float value) {
  return std::bit_cast<float>(uint32_t(toBf16(value)) << 16);
}

std::string kernelText(const Variant &v, unsigned tokens) {
  std::string more;
  if (v.window)
    more += fmt::format(", window = {}", v.window);
  if (v.softcap != 0)
    more += fmt::format(", softcap = {:e} : f64", v.softcap);
  if (v.sinks)
    more += ", sinks = true";
  if (v.ring)
    more += ", ring = true";
  return fmt::format(
      "tile.kernel @{}{} #tile.attention<heads = {}, cacheHeads = {}, keyWidth "
      "= {}, valueWidth = {}, scale = {:e} : f64, queryStride = {}, output = "
      "<width = {}, stride = {}>, cacheElement = {}, pageTokens = {}{}> config "
      "#tile.config<tokens = {}> {{}}\n",
      v.name, tokens, kHeads, kCacheHeads, kKeys, kValues, kScale,
      kHeads * kKeys, kHeads * kValues, kHeads * kValues,
      v.pairs ? "bf16" : "f32", kPage, more, tokens);
}

/// One sequence's random keys, values and queries, and its cache.
struct Sequence {
  std::vector<float> keys, values, queries;
  std::vector<float> pool; ///< half of it is used where numbers are bfloat16
  std::vector<int32_t> pages;
  unsigned blocks;

  Sequence(bool ring, bool pairs)
      : keys(kLength * kCacheHeads * kKeys),
        values(kLength * kCacheHeads * kValues),
        queries(kStep * kHeads * kKeys),
        blocks(ring ? 4 : (kLength + kPage - 1) / kPage) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (std::vector<float> *all : {&keys, &values, &queries})
      for (float &value : *all)
        value = normal(random);
    pool.resize(size_t(blocks) * pageFloats());
    for (unsigned b = 0; b < blocks; ++b)
      pages.push_back(static_cast<int32_t>(blocks - 1 - b));
    for (unsigned t = 0; t < kLength; ++t)
      pairs ? storePairs(t) : store(t);
  }

  static size_t pageFloats() {
    return size_t(kCacheHeads) * kPage * (kKeys + kValues);
  }

  /// The layout of PlanState in runtime/ArtifactFormat.h.
  void store(unsigned t) {
    float *page = &pool[pages[t / kPage % blocks] * pageFloats()];
    unsigned in = t % kPage;
    for (unsigned h = 0; h < kCacheHeads; ++h) {
      float *keysOf = page + size_t(h) * kPage * kKeys;
      for (unsigned d = 0; d < kKeys; ++d)
        keysOf[in / 16 * 16 * kKeys + d * 16 + in % 16] =
            keys[(t * kCacheHeads + h) * kKeys + d];
      float *valuesOf = page + size_t(kCacheHeads) * kPage * kKeys +
                        (size_t(h) * kPage + in) * kValues;
      for (unsigned d = 0; d < kValues; ++d)
        valuesOf[d] = values[(t * kCacheHeads + h) * kValues + d];
    }
  }

  /// Likewise with Bf16Pairs; keys and values become what is stored.
  void storePairs(unsigned t) {
    auto *page = reinterpret_cast<uint16_t *>(pool.data()) +
                 pages[t / kPage % blocks] * pageFloats();
    unsigned in = t % kPage;
    for (unsigned h = 0; h < kCacheHeads; ++h) {
      uint16_t *keysOf = page + size_t(h) * kPage * kKeys;
      for (unsigned d = 0; d < kKeys; ++d) {
        float &key = keys[(t * kCacheHeads + h) * kKeys + d];
        keysOf[in / 16 * 16 * kKeys + d / 2 * 32 + in % 16 * 2 + d % 2] =
            toBf16(key);
        key = rounded(key);
      }
      uint16_t *valuesOf = page + size_t(kCacheHeads) * kPage * kKeys +
                           size_t(h) * kPage * kValues;
      for (unsigned d = 0; d < kValues; ++d) {
        float &value = values[(t * kCacheHeads + h) * kValues + d];
        valuesOf[in / 2 * kValues * 2 + d * 2 + in % 2] = toBf16(value);
        value = rounded(value);
      }
    }
  }
};

/// What the kernel multiplies of a query: rounded when it is scaled.
double queryAt(const Sequence &s, const Variant &v, unsigned at) {
  float factor = v.softcap != 0 ? kScale / v.softcap : kScale;
  return v.pairs ? double(rounded(s.queries[at] * factor)) / factor
                 : double(s.queries[at]);
}

constexpr float kSinks[kHeads] = {0.5f, -1.0f, 4.0f, 0.0f};

/// One head of the token at `position`, by the formula.
std::vector<double> expected(const Sequence &s, const Variant &v,
                             unsigned token, unsigned head) {
  unsigned cacheHead = head / 2;
  auto score = [&](unsigned t) {
    double dot = 0;
    for (unsigned d = 0; d < kKeys; ++d)
      dot += queryAt(s, v, (token * kHeads + head) * kKeys + d) *
             s.keys[(t * kCacheHeads + cacheHead) * kKeys + d];
    return test::capped(dot * kScale, v.softcap);
  };
  return test::attentionRow(
      kLength - kStep + token, v.window, v.sinks ? &kSinks[head] : nullptr,
      kValues, score, [&](unsigned t, unsigned d) {
        return s.values[(t * kCacheHeads + cacheHead) * kValues + d];
      });
}

class X86Attention : public testing::TestWithParam<Level> {
protected:
  void SetUp() override {
    if (!GetParam().available)
      GTEST_SKIP() << "unsupported: this machine lacks " << GetParam().name;
  }
};

void check(Kernels &kernels, const Variant &v) {
  SCOPED_TRACE(v.name);
  Sequence s(v.ring, v.pairs);
  CacheRing ring = {s.pool.data(), s.pages.data(), s.blocks};
  std::vector<int32_t> positions, slots(kStep, 0);
  for (unsigned t = 0; t < kStep; ++t)
    positions.push_back(static_cast<int32_t>(kLength - kStep + t));
  std::vector<float> output(kStep * kHeads * kValues + 16), single(output);
  auto run = [&](const std::string &name, unsigned first, unsigned tokens,
                 unsigned tile, std::vector<float> &into) {
    Batch batch{};
    batch.tokens = static_cast<int32_t>(tokens);
    batch.positions = positions.data() + first;
    batch.slots = slots.data();
    batch.blockTable = v.ring ? nullptr : s.pages.data();
    batch.blockStride = s.blocks;
    std::vector<void *> operands = {
        s.queries.data() + size_t(first) * kHeads * kKeys,
        v.ring ? static_cast<void *>(&ring) : s.pool.data()};
    if (v.sinks)
      operands.push_back(const_cast<float *>(kSinks));
    operands.push_back(into.data() + size_t(first) * kHeads * kValues);
    kernels[name.c_str()](operands.data(), &batch, 0,
                          int64_t(kCacheHeads) * ((tokens + tile - 1) / tile));
  };
  run(fmt::format("{}4", v.name), 0, kStep, 4, output);
  for (unsigned t = 0; t < kStep; ++t)
    run(fmt::format("{}1", v.name), t, 1, 1, single);
  // No bit depends on which tokens share a tile.
  EXPECT_EQ(std::memcmp(output.data(), single.data(),
                        kStep * kHeads * kValues * sizeof(float)),
            0);
  for (unsigned t = 0; t < kStep; ++t)
    for (unsigned h = 0; h < kHeads; ++h) {
      std::vector<double> want = expected(s, v, t, h);
      for (unsigned d = 0; d < kValues; ++d)
        // Weights that keep 8 bits each differ by 2^-9 of themselves.
        ASSERT_NEAR(output[(t * kHeads + h) * kValues + d], want[d],
                    v.pairs ? 2e-3 : 3e-6)
            << "token " << t << " head " << h << " element " << d;
    }
}

TEST_P(X86Attention, FollowsTheFormula) {
  std::string text;
  for (const Variant &v : kVariants)
    text += kernelText(v, 4) + kernelText(v, 1);
  Kernels kernels(GetParam(), text);
  ASSERT_EQ(kernels.error, "");
  for (const Variant &v : kVariants)
    check(kernels, v);
}

TEST_P(X86Attention, MultipliesPairs) {
  if (std::string_view(GetParam().features).find("bf16") == std::string::npos)
    GTEST_SKIP() << GetParam().name << " has no products of bfloat16";
  std::string text;
  for (const Variant &v : kPairVariants)
    text += kernelText(v, 4) + kernelText(v, 1);
  Kernels kernels(GetParam(), text);
  ASSERT_EQ(kernels.error, "");
  for (const Variant &v : kPairVariants)
    check(kernels, v);
}

INSTANTIATE_TEST_SUITE_P(Levels, X86Attention, testing::ValuesIn(levels()),
                         [](const auto &info) { return info.param.name; });

} // namespace
