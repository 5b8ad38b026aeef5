/// Runs attention, by matrix units and by lanes, on an emulated device, over
/// pages of several sequences, against the formula in double precision; and
/// each token alone, by one block or by several that share its context, which
/// must give the same bits.
#include "dialects/formats/Format.h"
#include "test/unit/AttentionDefinition.h"
#include "test/unit/EmulatedAttention.h"

#include <fmt/format.h>

#include <cstring>
#include <random>

using namespace sinter;
using namespace sinter::test;

namespace {

constexpr unsigned kPage = 64, kSlots = 2, kBlocks = 20;
constexpr float kScale = 0.2f;

struct Variant {
  const char *name;
  unsigned heads, cacheHeads, keys, values;
  unsigned window = 0;
  float softcap = 0;
  bool sinks = false;
  bool mma = true;

  unsigned group() const { return heads / cacheHeads; }
  unsigned tile() const { return mma ? std::max(1u, 16 / group()) : 3; }
  size_t width() const { return size_t(heads) * values; }
};

constexpr Variant kVariants[] = {
    {"plain", 8, 2, 32, 32},
    {"one", 2, 2, 16, 16},
    {"three", 6, 2, 48, 80},
    {"many", 20, 1, 16, 16},
    {"wide", 2, 1, 16, 160},
    {"window", 4, 2, 32, 16, 70},
    {"capped", 4, 2, 32, 16, 0, 3},
    {"sinks", 4, 2, 32, 16, 100, 0, true},
    {"lanes", 4, 2, 40, 136, 0, 0, true, false},
    {"lanes_window", 2, 1, 16, 16, 300, 0, false, false},
};

std::string kernelText(const Variant &v) {
  std::string more;
  if (v.window)
    more += fmt::format(", window = {}", v.window);
  if (v.softcap != 0)
    more += fmt::format(", softcap = {:e} : f64", v.softcap);
  if (v.sinks)
    more += ", sinks = true";
  std::string shape = fmt::format(
      "<heads = {}, cacheHeads = {}, keyWidth = {}, valueWidth = {}, scale = "
      "{:e} : f64, queryStride = {}, output = <width = {}, stride = {}>{}>",
      v.heads, v.cacheHeads, v.keys, v.values, kScale, v.heads * v.keys,
      v.width(), v.width(), more);
  return fmt::format(
      "tile.kernel @{0} #tile.attention{1} config #tile.config<tokens = {2}, "
      "mma = {3}> {{}}\n"
      "tile.kernel @{0}_splits #tile.attention_splits<attention = {1}> config "
      "#tile.config<mma = {3}> {{}}\n"
      "tile.kernel @{0}_merge #tile.merge_splits<attention = {1}> {{}}\n",
      v.name, shape, v.tile(), v.mma);
}

/// Halves as numbers and as they are stored.
struct Halves {
  std::vector<uint16_t> bits;

  explicit Halves(size_t count, unsigned seed) : bits(count) {
    std::mt19937 random(seed);
    for (uint16_t &half : bits) // of size 2^-3 to 2, either sign
      half = uint16_t((random() & 0x83ff) | (12 + random() % 4) << 10);
  }
  double at(size_t index) const { return halfToFloat(bits[index]); }
};

/// A cache whose pages are in no order, and a step of a few tokens of each
/// sequence.
struct Problem {
  Problem(const Variant &v, EmulatedKernels &kernels)
      : v(v), pool(size_t(kSlots) * kBlocks * pageElements(), 7),
        queries(size_t(tokens()) * v.heads * v.keys), sinks(v.heads) {
    for (unsigned page = 0; page < kSlots * kBlocks; ++page)
      table.push_back(int32_t(page * 7 % (kSlots * kBlocks)));
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    for (float &query : queries)
      query = normal(random);
    for (float &sink : sinks)
      sink = normal(random);
    // What is behind a sequence's last token may be anything, such as a NaN.
    for (auto [slot, first, end] :
         {std::array{0u, 1090u, 1152u}, std::array{1u, 5u, 64u}})
      for (unsigned position = first; position < end; ++position)
        for (unsigned head = 0; head < v.cacheHeads; ++head) {
          for (unsigned d = 0; d < v.keys; ++d)
            pool.bits[keyAt(slot, position, head, d)] = 0x7e00;
          for (unsigned d = 0; d < v.values; ++d)
            pool.bits[valueAt(slot, position, head, d)] = 0x7e00;
        }
    kernels.allow("pool", pool.bits.data(), pool.bits.size() * 2);
    kernels.allow("table", table.data(), table.size() * 4);
    kernels.allow("queries", queries.data(), queries.size() * 4);
    kernels.allow("sinks", sinks.data(), sinks.size() * 4);
    kernels.allow("positions", positions.data(), positions.size() * 4);
    kernels.allow("slots", slots.data(), slots.size() * 4);
  }

  unsigned tokens() const { return unsigned(positions.size()); }
  size_t pageElements() const {
    return size_t(kPage) * v.cacheHeads * (v.keys + v.values);
  }
  /// runtime/ArtifactFormat.h: keys of 16 tokens side by side, then values.
  size_t pageOf(unsigned slot, unsigned position) const {
    return table[slot * kBlocks + position / kPage] * pageElements();
  }
  size_t keyAt(unsigned slot, unsigned position, unsigned head,
               unsigned d) const {
    unsigned inPage = position % kPage;
    return pageOf(slot, position) + size_t(head) * v.keys * kPage +
           size_t(inPage / 16) * 16 * v.keys + d * 16 + inPage % 16;
  }
  size_t valueAt(unsigned slot, unsigned position, unsigned head,
                 unsigned d) const {
    return pageOf(slot, position) + size_t(v.cacheHeads) * v.keys * kPage +
           size_t(head) * v.values * kPage +
           size_t(position % kPage) * v.values + d;
  }

  double score(unsigned token, unsigned head, unsigned key) const {
    double dot = 0;
    for (unsigned d = 0; d < v.keys; ++d)
      dot += double(queries[(size_t(token) * v.heads + head) * v.keys + d]) *
             pool.at(keyAt(slots[token], key, head / v.group(), d));
    return capped(dot * kScale, v.softcap);
  }
  /// One head of one token.
  std::vector<double> row(unsigned token, unsigned head) const {
    return attentionRow(
        unsigned(positions[token]), v.window, v.sinks ? &sinks[head] : nullptr,
        v.values, [&](unsigned key) { return score(token, head, key); },
        [&](unsigned key, unsigned d) {
          return pool.at(valueAt(slots[token], key, head / v.group(), d));
        });
  }

  /// Tokens [first, first + count) of the step, as a step of their own.
  Batch batchOf(unsigned first, unsigned count) const {
    Batch batch{};
    batch.tokens = int32_t(count);
    batch.positions = positions.data() + first;
    batch.slots = slots.data() + first;
    batch.blockTable = table.data();
    batch.blockStride = kBlocks;
    return batch;
  }
  std::vector<float> run(EmulatedKernels &kernels, unsigned first,
                         unsigned count) {
    return attend(kernels, v, inputOf(first), batchOf(first, count));
  }
  std::vector<float> runSplit(EmulatedKernels &kernels, unsigned first,
                              unsigned count) {
    return attendInSplits(kernels, v, inputOf(first), batchOf(first, count));
  }
  AttentionInput inputOf(unsigned token) {
    return {&queries[size_t(token) * v.heads * v.keys], pool.bits.data(),
            v.sinks ? sinks.data() : nullptr};
  }

  const Variant &v;
  std::vector<int32_t> positions = {0,   1,   2,    3,    4,    511,
                                    512, 640, 1085, 1086, 1087, 1089};
  std::vector<int32_t> slots = {1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0};
  std::vector<int32_t> table;
  Halves pool;
  std::vector<float> queries, sinks;
};

double errorOf(const Problem &problem, const std::vector<float> &all) {
  return attentionError(
      problem.tokens(), problem.v.heads, problem.v.values, all,
      [&](unsigned token, unsigned head) { return problem.row(token, head); });
}

TEST(CudaAttention, AgreesWithTheFormulaAndWithSingleTokens) {
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
    std::vector<float> all = problem.run(kernels, 0, problem.tokens());
    // Queries and weights are rounded to halves: 2^-11 of each.
    EXPECT_LT(errorOf(problem, all), 1e-6);
    for (unsigned token = 0; token < problem.tokens(); ++token) {
      kernels.seed(token + 1);
      std::vector<float> one = problem.run(kernels, token, 1);
      EXPECT_EQ(std::memcmp(one.data(), &all[token * v.width()], v.width() * 4),
                0)
          << "token " << token;
    }
    for (unsigned first = 0; first < problem.tokens(); first += 4) {
      unsigned count = std::min(4u, problem.tokens() - first);
      std::vector<float> some = problem.runSplit(kernels, first, count);
      EXPECT_EQ(std::memcmp(some.data(), &all[first * v.width()],
                            count * v.width() * 4),
                0)
          << "splits of tokens from " << first << " on";
    }
  }
}

/// What matrix units cannot attend to is said, not done otherwise.
TEST(CudaAttention, RefusalsNameKernelAndReason) {
  std::string text =
      "tile.kernel @k #tile.attention<heads = 8, cacheHeads = 2, keyWidth = "
      "{}, valueWidth = {}, scale = 1.0 : f64, queryStride = 256, output = "
      "<width = 256, stride = 256>, cacheElement = {}> config #tile.config<"
      "tokens = {}, mma = true> {{}}";
  auto errorOf = [&](unsigned keys, unsigned values, const char *element,
                     unsigned tokens) {
    return EmulatedKernels(
               fmt::format(fmt::runtime(text), keys, values, element, tokens))
        .error;
  };
  std::string widths =
      "kernel 'k': matrix units attend to caches of float16 or bytes with "
      "heads "
      "that are multiples of 16 wide, values of at most 256; found keys of ";
  EXPECT_EQ(errorOf(32, 32, "f32", 4), widths + "32 and values of 32");
  EXPECT_EQ(errorOf(24, 32, "f16", 4), widths + "24 and values of 32");
  EXPECT_EQ(errorOf(32, 144, "f16", 4), widths + "32 and values of 144");
  EXPECT_EQ(errorOf(32, 32, "f16", 5),
            "kernel 'k': 5 tokens of 4 heads each; matrix units take 16 rows");
  EXPECT_EQ(EmulatedKernels(
                "tile.kernel @k #tile.attention_splits<attention = <heads = 8, "
                "cacheHeads = 2, keyWidth = 32, valueWidth = 32, scale = 1.0 : "
                "f64, queryStride = 256, output = <width = 256, stride = 256>>>"
                " config #tile.config<tokens = 2, mma = true> {}")
                .error,
            "kernel 'k': 2 tokens in an item; a split is of one");
}

} // namespace
