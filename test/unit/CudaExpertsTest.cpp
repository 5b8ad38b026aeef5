/// Runs the CUDA kernels of a mixture of experts on an emulated device against
/// the same in plain C++, in buffers that end where the operands do.
#include "dialects/tile/Experts.h"
#include "test/unit/EmulatedKernels.h"
#include "test/unit/ExpertDefinitions.h"
#include "test/unit/RandomMatrix.h"

#include <span>

using namespace sinter;
using namespace sinter::test;

namespace {

template <typename T>
void *allow(EmulatedKernels &kernels, const char *name, std::vector<T> &values,
            bool undefined = false) {
  kernels.allow(name, values.data(), values.size() * sizeof(T), undefined);
  return values.data();
}

std::string routes() {
  std::string text;
  for (const Route &route : kRoutes)
    text += route.kernel();
  return text;
}

TEST(CudaExperts, Routes) {
  EmulatedKernels kernels(routes());
  ASSERT_EQ(kernels.error, "");
  std::vector<float> logits = normal(kTokens * kExperts, 1);
  std::vector<float> bias = normal(kExperts, 2), scales = normal(kExperts, 3);
  Batch batch = {};
  batch.tokens = kTokens;
  for (const Route &route : kRoutes) {
    SCOPED_TRACE(route.name);
    kernels.reset();
    std::vector<int32_t> ids(kTokens * kTop);
    std::vector<float> weights(kTokens * kTop);
    std::vector<void *> operands = {allow(kernels, "logits", logits)};
    if (route.bias)
      operands.push_back(allow(kernels, "bias", bias));
    if (route.expertScale)
      operands.push_back(allow(kernels, "scales", scales));
    operands.push_back(allow(kernels, "ids", ids));
    operands.push_back(allow(kernels, "weights", weights));
    kernels.run(route.name, operands, batch, kTokens);
    for (unsigned token = 0; token < kTokens; ++token) {
      Chosen want = choose(route, &logits[token * kExperts], bias.data());
      for (unsigned slot = 0; slot < kTop; ++slot) {
        EXPECT_EQ(ids[token * kTop + slot], want.ids[slot]);
        double scale = route.expertScale ? scales[want.ids[slot]] : 1.0;
        EXPECT_NEAR(weights[token * kTop + slot], want.weights[slot] * scale,
                    1e-6);
      }
    }
  }
}

/// Whatever a damaged file makes the logits, ids stay in their bounds.
TEST(CudaExperts, RouteOfNonsenseStaysInBounds) {
  EmulatedKernels kernels(routes());
  ASSERT_EQ(kernels.error, "");
  Batch batch = {};
  batch.tokens = 3;
  std::vector<float> logits(3 * kExperts, NAN), bias(kExperts, INFINITY);
  std::fill_n(logits.begin() + kExperts, kExperts, INFINITY);
  std::fill_n(logits.begin() + 2 * kExperts, kExperts, -INFINITY);
  for (const Route &route : kRoutes) {
    kernels.reset();
    std::vector<int32_t> ids(3 * kTop, -1);
    std::vector<float> weights(3 * kTop);
    std::vector<void *> operands = {allow(kernels, "logits", logits)};
    kernels.allow("bias", bias.data(), bias.size() * 4);
    for (bool present : {route.bias, route.expertScale})
      if (present)
        operands.push_back(bias.data());
    operands.push_back(allow(kernels, "ids", ids));
    operands.push_back(allow(kernels, "weights", weights));
    kernels.run(route.name, operands, batch, 3);
    for (int32_t id : ids) {
      EXPECT_GE(id, 0) << route.name;
      EXPECT_LT(id, int32_t(kExperts)) << route.name;
    }
  }
}

Groups groupBy(EmulatedKernels &kernels, const char *kernel, unsigned experts,
               unsigned tokens, std::vector<int32_t> &ids) {
  Groups result(experts, ids.size());
  Batch batch = {};
  batch.tokens = int32_t(tokens);
  kernels.run(kernel,
              {allow(kernels, "ids", ids),
               allow(kernels, "groups", result.groups),
               allow(kernels, "order", result.order)},
              batch, 1);
  return result;
}

/// More experts than threads too, and more assignments than lanes.
TEST(CudaExperts, GroupsAreSortedByExpertThenToken) {
  EmulatedKernels kernels(
      kGroup + "tile.kernel @many #tile.group<experts = 300, top = 2> {}\n");
  ASSERT_EQ(kernels.error, "");
  std::vector<int32_t> ids = randomIds(3);
  expectSorted(groupBy(kernels, "group", kExperts, kTokens, ids), kExperts,
               ids);
  kernels.reset();
  std::vector<int32_t> many;
  for (int32_t i = 0; i < 100; ++i)
    many.push_back(i % 2 ? 299 - i % 7 : i * 37 % 290);
  expectSorted(groupBy(kernels, "many", 300, 50, many), 300, many);
}

constexpr unsigned kRows = 48, kWidth = 256;

/// Products by expert of one format, with biases and without.
std::string products(const Format &format) {
  bool plain = format.form.family == Family::Plain;
  auto gemm = [&](const char *name, const char *rest,
                  const char *config = "rowGroups = 2, tokens = 4") {
    return fmt::format(
        "tile.kernel @{} #tile.grouped_gemm<format = \"{}\", experts = {}, top "
        "= {}, weightRows = {}, input = {}, output = <width = {}, stride = "
        "{}>{}> config <{}> {{}}\n",
        name, format.name, kExperts, kTop, kRows,
        plain ? fmt::format("<width = {0}, stride = {0}>", kWidth)
              : fmt::format("<width = {}, q8 = true, sums = {}>", kWidth,
                            sumsFor(format.form)),
        kRows, kRows, rest, config);
  };
  std::string units;
  if (!plain)
    units = gemm("units", ", slots = true",
                 "rowGroups = 4, tokens = 32, mma = true") +
            gemm("narrow", "", "rowGroups = 16, tokens = 8, mma = true");
  std::string quantize =
      plain ? ""
            : fmt::format("tile.kernel @quantize #tile.elementwise<[{0}] -> "
                          "<width = {0}, q8 = true, sums = {1}>> config "
                          "<columns = 256> {{}}\n",
                          kWidth, sumsFor(format.form));
  return kGroup + quantize + units +
         gemm("biased",
              fmt::format(", biasRows = {}, biasFirst = [8]", kRows + 8)
                  .c_str()) +
         gemm("slots", ", slots = true") + gemm("decode", ", decode = true");
}

/// Rows of all assignments: float32 or 8-bit, and what they stand for.
struct Inputs {
  Inputs(EmulatedKernels &kernels, const Format &format)
      : floats(normal(kTokens * kTop * kWidth, 5)) {
    if (format.form.family == Family::Plain) {
      for (unsigned row = 0; row < kTokens * kTop; ++row)
        values.emplace_back(&floats[row * kWidth],
                            &floats[row * kWidth] + kWidth);
      bytes = std::as_writable_bytes(std::span(floats));
      return;
    }
    Q8Layout layout = Q8Layout::of(kWidth, sumsFor(format.form));
    codes.resize(kTokens * kTop * layout.rowBytes);
    Batch batch = {};
    batch.tokens = kTokens * kTop;
    kernels.run(
        "quantize",
        {allow(kernels, "floats", floats), allow(kernels, "codes", codes)},
        batch, batch.tokens);
    for (unsigned row = 0; row < kTokens * kTop; ++row)
      values.push_back(readQ8(&codes[row * layout.rowBytes], layout));
    bytes = codes;
  }

  std::vector<float> floats;
  std::vector<std::byte> codes;
  std::span<std::byte> bytes;
  std::vector<std::vector<double>> values;
};

void checkProducts(EmulatedKernels &kernels, const char *name, Matrix &matrix,
                   const Inputs &input, bool slots, bool biased) {
  SCOPED_TRACE(name);
  kernels.reset();
  std::vector<int32_t> ids = randomIds(7);
  std::vector<float> bias = normal(kExperts * (kRows + 8), 6);
  std::vector<float> output(ids.size() * kRows);
  Groups sorted = groupBy(kernels, "group", kExperts, kTokens, ids);
  kernels.allow("input", input.bytes.data(), input.bytes.size());
  kernels.allow("weights", matrix.packed.data(), matrix.packed.size() - 64);
  std::vector<void *> operands = {input.bytes.data(), sorted.groups.data(),
                                  sorted.order.data(), matrix.packed.data()};
  if (biased)
    operands.push_back(allow(kernels, "bias", bias));
  operands.push_back(allow(kernels, "output", output, /*undefined=*/true));
  Batch batch = {};
  batch.tokens = kTokens;
  kernels.run(name, operands, batch, tile::kGroupedItems);
  for (unsigned i = 0; i < ids.size(); ++i)
    for (unsigned row = 0; row < kRows; ++row) {
      double sum = biased ? bias[ids[i] * (kRows + 8) + 8 + row] : 0;
      const std::vector<double> &x = input.values[slots ? i : i / kTop];
      for (unsigned k = 0; k < kWidth; ++k)
        sum += matrix.exact[(ids[i] * kRows + row) * kWidth + k] * x[k];
      ASSERT_NEAR(output[i * kRows + row], sum, 1e-3 + 1e-5 * std::abs(sum))
          << "assignment " << i << " row " << row;
    }
}

TEST(CudaExperts, ProductsByExpert) {
  for (const char *name : {"f32", "q4_k"}) {
    SCOPED_TRACE(name);
    const Format &format = *findFormat(name);
    EmulatedKernels kernels(products(format));
    ASSERT_EQ(kernels.error, "");
    Matrix matrix(format, kExperts * kRows, kWidth);
    Inputs input(kernels, format);
    checkProducts(kernels, "biased", matrix, input, false, true);
    checkProducts(kernels, "slots", matrix, input, true, false);
    checkProducts(kernels, "decode", matrix, input, false, false);
    if (format.form.family == Family::Plain)
      continue;
    checkProducts(kernels, "units", matrix, input, true, false);
    checkProducts(kernels, "narrow", matrix, input, false, false);
  }
}

TEST(CudaExperts, Combines) {
  constexpr unsigned kColumns = 100, kSlots = 3;
  auto kernel = [=](const char *name, const char *rest) {
    return fmt::format("tile.kernel @{} #tile.combine<width = {}, slots = {}, "
                       "stride = 5{}> config <columns = 64> {{}}\n",
                       name, kColumns, kSlots, rest);
  };
  EmulatedKernels kernels(kernel("sum", "") +
                          kernel("gated", ", sigmoid = true"));
  ASSERT_EQ(kernels.error, "");
  std::vector<float> rows = normal(kTokens * kSlots * kColumns, 1);
  std::vector<float> weights = normal((kTokens - 1) * 5 + kSlots, 2);
  Batch batch = {};
  batch.tokens = kTokens;
  for (const char *name : {"sum", "gated"}) {
    kernels.reset();
    std::vector<float> output(kTokens * kColumns);
    kernels.run(name,
                {allow(kernels, "rows", rows),
                 allow(kernels, "weights", weights),
                 allow(kernels, "output", output, /*undefined=*/true)},
                batch, kTokens * 2);
    for (unsigned i = 0; i < output.size(); ++i) {
      double sum = 0;
      for (unsigned slot = 0; slot < kSlots; ++slot) {
        double w = weights[i / kColumns * 5 + slot];
        sum += rows[(i / kColumns * kSlots + slot) * kColumns + i % kColumns] *
               (name[0] == 'g' ? 1 / (1 + std::exp(-w)) : w);
      }
      ASSERT_NEAR(output[i], sum, 1e-5) << name << i;
    }
  }
}

TEST(CudaExperts, RefusalsNameKernelAndReason) {
  auto expectRefusal = [](const std::string &op, const std::string &message) {
    EXPECT_EQ(EmulatedKernels("tile.kernel @k " + op + " {}").error,
              "kernel 'k': " + message);
  };
  auto route = [](unsigned experts, unsigned top, unsigned groups,
                  const char *scoring) {
    return fmt::format("#tile.route<experts = {}, top = {}, scoring = \"{}\", "
                       "stride = 8, groups = {}, scale = 1.0 : f64>",
                       experts, top, scoring, groups);
  };
  expectRefusal(route(64, 40, 1, "softmax"),
                "40 of 64 experts in 1 groups; a warp chooses up to 32 of "
                "1024, in up to 32 groups");
  expectRefusal(route(64, 4, 3, "softmax"), "64 experts, 1 of 3 groups");
  expectRefusal(route(64, 4, 4, "cubic"), "scoring 'cubic' is unknown");
  expectRefusal("#tile.combine<width = 8, slots = 2, stride = 2> config "
                "<rowGroups = 1>",
                "2 rows of 8 in items of 0 columns");
  expectRefusal("#tile.grouped_gemm<format = \"f32\", experts = 4, top = 1, "
                "weightRows = 16, input = <width = 8, stride = 8>, output = "
                "<width = 16, stride = 16>, biasRows = 16> config <rowGroups "
                "= 1>",
                "biases of 1 segments from 0 columns on");
}

} // namespace
