/// Runs the CUDA kernels of recurrent layers on an emulated device against the
/// same in plain C++: two sequences, of which one begins and one goes on, in
/// one step and token by token.
#include "test/unit/EmulatedKernels.h"
#include "test/unit/RandomMatrix.h"

#include <fmt/format.h>

using namespace sinter;
using namespace sinter::test;

namespace {

constexpr unsigned kTokens = 9, kSlots = 3;
/// Slot 2 goes on from position 5 with four tokens, slot 0 begins with five.
constexpr int32_t kSlotOf[kTokens] = {2, 2, 2, 2, 0, 0, 0, 0, 0};
constexpr int32_t kPositionOf[kTokens] = {5, 6, 7, 8, 0, 1, 2, 3, 4};

std::vector<float> normal(size_t count, unsigned seed) {
  std::vector<float> values(count);
  fillNormal(values.data(), count, seed);
  return values;
}

/// Tokens [first, first + count) of the step.
Batch batchOf(EmulatedKernels &kernels, unsigned first, unsigned count) {
  Batch batch = {};
  batch.tokens = int32_t(count);
  batch.slots = kSlotOf + first;
  batch.positions = kPositionOf + first;
  kernels.allow("slots", batch.slots, count * 4);
  kernels.allow("positions", batch.positions, count * 4);
  return batch;
}

struct ScanSizes {
  const char *name;
  bool delta, grouped;
  unsigned keyHeads, valueHeads, keyWidth, valueWidth;

  unsigned keys() const { return keyHeads * keyWidth; }
  unsigned values() const { return valueHeads * valueWidth; }
  unsigned stride() const { return 2 * keys() + values() + 3; }
  unsigned block() const { return tile::scanBlock(valueWidth); }
  unsigned state() const { return values() * keyWidth; }
  unsigned items() const { return values() / block(); }

  std::string kernel(bool inPlace) const {
    return fmt::format(
        "tile.kernel @{}{} #tile.scan<delta = {}, keyHeads = {}, valueHeads = "
        "{}, keyWidth = {}, valueWidth = {}, mixedStride = {}, alphaStride = "
        "{}, betaStride = {}, epsilon = 1.0e-6 : f64, grouped = {}, inPlace = "
        "{}> {{}}\n",
        name, inPlace ? "" : "_rows", delta, keyHeads, valueHeads, keyWidth,
        valueWidth, stride(), valueHeads, valueHeads, grouped, inPlace);
  }
  /// Where a column's number stands in a state.
  unsigned at(unsigned head, unsigned key, unsigned column) const {
    unsigned whole = head * valueWidth + column;
    return (whole / block() * keyWidth + key) * block() + whole % block();
  }
};

constexpr ScanSizes kScans[] = {{"delta", true, true, 2, 4, 48, 64},
                                {"delta_odd", true, false, 2, 4, 20, 8},
                                {"ssm", false, true, 2, 4, 24, 16}};

/// The rows and vectors of one scan.
struct ScanData {
  explicit ScanData(const ScanSizes &s)
      : mixed(normal(kTokens * s.stride(), 1)),
        alpha(normal(kTokens * s.valueHeads, 2)),
        beta(normal(kTokens * s.valueHeads, 3)), decay(s.valueHeads),
        bias(normal(s.valueHeads, 5)), skip(normal(s.valueHeads, 6)),
        states(normal(kSlots * s.state(), 7)), output(kTokens * s.values()) {
    for (unsigned head = 0; head < s.valueHeads; ++head)
      decay[head] = -0.1f - 0.2f * float(head);
  }
  std::vector<float> mixed, alpha, beta, decay, bias, skip, states, output;
};

/// v / sqrt(Σ v² + ε) * factor.
std::vector<double> normed(const float *values, unsigned count, double factor) {
  double sum = 1e-6;
  for (unsigned i = 0; i < count; ++i)
    sum += double(values[i]) * values[i];
  std::vector<double> result;
  for (unsigned i = 0; i < count; ++i)
    result.push_back(values[i] / std::sqrt(sum) * factor);
  return result;
}

/// One token of one head, as the papers write it.
void stepHead(const ScanSizes &s, ScanData &data, unsigned token, unsigned head,
              float *state) {
  const float *row = &data.mixed[token * s.stride()];
  unsigned keyHead =
      s.grouped ? head / (s.valueHeads / s.keyHeads) : head % s.keyHeads;
  double a = data.alpha[token * s.valueHeads + head] + data.bias[head];
  double step = std::log1p(std::exp(a));
  double decay = std::exp(data.decay[head] * step);
  double rate =
      1 / (1 + std::exp(-double(data.beta[token * s.valueHeads + head])));
  const float *first = row + keyHead * s.keyWidth;
  std::vector<double> q, k;
  if (s.delta) {
    q = normed(first, s.keyWidth, 1 / std::sqrt(double(s.keyWidth)));
    k = normed(first + s.keys(), s.keyWidth, 1);
  } else {
    k.assign(first + s.values(), first + s.values() + s.keyWidth);
    q.assign(first + s.values() + s.keys(),
             first + s.values() + s.keys() + s.keyWidth);
  }
  for (unsigned column = 0; column < s.valueWidth; ++column) {
    double x = row[(s.delta ? 2 * s.keys() : 0) + head * s.valueWidth + column];
    double known = 0, result = s.delta ? 0 : x * data.skip[head];
    for (unsigned i = 0; i < s.keyWidth; ++i)
      known += k[i] * decay * state[s.at(head, i, column)];
    double change = s.delta ? (x - known) * rate : x * step;
    for (unsigned i = 0; i < s.keyWidth; ++i) {
      float &number = state[s.at(head, i, column)];
      number = float(decay * number + k[i] * change);
      result += q[i] * number;
    }
    data.output[token * s.values() + head * s.valueWidth + column] =
        float(result);
  }
}

ScanData expectedScan(const ScanSizes &s) {
  ScanData data(s);
  for (unsigned token = 0; token < kTokens; ++token) {
    float *state = &data.states[kSlotOf[token] * s.state()];
    if (kPositionOf[token] == 0)
      std::fill_n(state, s.state(), 0.0f);
    for (unsigned head = 0; head < s.valueHeads; ++head)
      stepHead(s, data, token, head, state);
  }
  return data;
}

/// Operands for the tokens from `token` on, `before` being null in place.
std::vector<void *> scanOperands(const ScanSizes &s, ScanData &data,
                                 unsigned token, float *before, float *states) {
  std::vector<void *> all = {&data.mixed[token * s.stride()],
                             &data.alpha[token * s.valueHeads]};
  if (s.delta)
    all.push_back(&data.beta[token * s.valueHeads]);
  all.push_back(data.decay.data());
  all.push_back(data.bias.data());
  if (!s.delta)
    all.push_back(data.skip.data());
  if (before)
    all.push_back(before);
  all.push_back(states);
  all.push_back(&data.output[token * s.values()]);
  return all;
}

void allowAll(EmulatedKernels &kernels, ScanData &data) {
  kernels.reset();
  for (std::vector<float> *part :
       {&data.mixed, &data.alpha, &data.beta, &data.decay, &data.bias,
        &data.skip, &data.states, &data.output})
    kernels.allow("scan's", part->data(), part->size() * 4);
}

void expectNear(const std::vector<float> &got, const std::vector<float> &want,
                double error) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], want[i], error * (1 + std::abs(want[i]))) << "at " << i;
}

std::string scanKernels() {
  std::string text;
  for (const ScanSizes &s : kScans)
    text += s.kernel(true) + s.kernel(false);
  return text;
}

TEST(CudaRecurrent, ScansInPlaceOfEveryStepSize) {
  EmulatedKernels kernels(scanKernels());
  ASSERT_EQ(kernels.error, "");
  for (const ScanSizes &s : kScans) {
    SCOPED_TRACE(s.name);
    ScanData want = expectedScan(s), whole(s), single(s);
    allowAll(kernels, whole);
    kernels.run(s.name, scanOperands(s, whole, 0, nullptr, whole.states.data()),
                batchOf(kernels, 0, kTokens), s.items());
    expectNear(whole.output, want.output, 1e-5);
    expectNear(whole.states, want.states, 1e-5);
    allowAll(kernels, single);
    for (unsigned token = 0; token < kTokens; ++token) {
      kernels.seed(token + 1);
      kernels.run(s.name,
                  scanOperands(s, single, token, nullptr, single.states.data()),
                  batchOf(kernels, token, 1), s.items());
    }
    kernels.seed(0);
    EXPECT_EQ(single.output, whole.output);
    EXPECT_EQ(single.states, whole.states);
  }
}

/// States as rows: that of a sequence stands at its first token.
TEST(CudaRecurrent, ScansFromRowsToRows) {
  EmulatedKernels kernels(scanKernels());
  ASSERT_EQ(kernels.error, "");
  for (const ScanSizes &s : kScans) {
    SCOPED_TRACE(s.name);
    ScanData want = expectedScan(s), data(s);
    std::vector<float> before(kTokens * s.state()), behind(before.size());
    std::copy_n(&data.states[2 * s.state()], s.state(), &before[0]);
    allowAll(kernels, data);
    kernels.allow("before", before.data(), before.size() * 4);
    kernels.allow("behind", behind.data(), behind.size() * 4);
    kernels.run(s.name + std::string("_rows"),
                scanOperands(s, data, 0, before.data(), behind.data()),
                batchOf(kernels, 0, kTokens), s.items());
    expectNear(data.output, want.output, 1e-5);
    std::vector<float> last(&behind[4 * s.state()], &behind[5 * s.state()]);
    want.states.resize(s.state()); // of slot 0
    expectNear(last, want.states, 1e-5);
  }
}

/// A slot that the pool does not have.
TEST(CudaRecurrent, ScanOfAWrongSlotIsCaught) {
  EmulatedKernels kernels(kScans[0].kernel(true));
  ASSERT_EQ(kernels.error, "");
  ScanData data(kScans[0]);
  data.states.resize(2 * kScans[0].state());
  data.states.shrink_to_fit();
  allowAll(kernels, data);
  std::string fault = kernels.faultOf(
      "delta", scanOperands(kScans[0], data, 0, nullptr, data.states.data()),
      batchOf(kernels, 0, kTokens), kScans[0].items());
  EXPECT_NE(fault.find("kernel 'delta', block 0, thread"), std::string::npos)
      << fault;
  EXPECT_NE(fault.find("read of 4 bytes"), std::string::npos) << fault;
}

constexpr unsigned kChannels = 70, kTaps = 4, kConvStride = 75;

struct ConvData {
  std::vector<float> input = normal(kTokens * kConvStride, 1),
                     weight = normal(kChannels * kTaps, 2),
                     bias = normal(kChannels, 3),
                     windows = normal(kSlots * (kTaps - 1) * kChannels, 4),
                     output = std::vector<float>(kTokens * kChannels);

  std::vector<void *> operands(unsigned token) {
    return {&input[token * kConvStride], weight.data(), bias.data(),
            windows.data(), &output[token * kChannels]};
  }
  void allow(EmulatedKernels &kernels) {
    kernels.reset();
    for (std::vector<float> *part : {&input, &weight, &bias, &windows, &output})
      kernels.allow("conv's", part->data(), part->size() * 4);
  }
};

/// Token by token, the window shifted each time.
ConvData expectedConv() {
  ConvData data;
  for (unsigned token = 0; token < kTokens; ++token)
    for (unsigned c = 0; c < kChannels; ++c) {
      float *window =
          &data.windows[kSlotOf[token] * (kTaps - 1) * kChannels + c];
      std::vector<float> rows;
      for (unsigned i = 0; i + 1 < kTaps; ++i)
        rows.push_back(kPositionOf[token] ? window[i * kChannels] : 0);
      rows.push_back(data.input[token * kConvStride + c]);
      double sum = data.bias[c];
      for (unsigned i = 0; i < kTaps; ++i)
        sum += double(rows[i]) * data.weight[c * kTaps + i];
      data.output[token * kChannels + c] = float(sum / (1 + std::exp(-sum)));
      for (unsigned i = 0; i + 1 < kTaps; ++i)
        window[i * kChannels] = rows[i + 1];
    }
  return data;
}

std::string convKernel(const char *name, const char *rest) {
  return fmt::format("tile.kernel @{} #tile.conv<channels = {}, taps = {}, "
                     "stride = {}{}> {{}}\n",
                     name, kChannels, kTaps, kConvStride, rest);
}

TEST(CudaRecurrent, ConvolvesInPlaceOfEveryStepSize) {
  EmulatedKernels kernels(
      convKernel("conv", ", bias = true, silu = true, inPlace = true"));
  ASSERT_EQ(kernels.error, "");
  ConvData want = expectedConv(), whole, single;
  whole.allow(kernels);
  kernels.run("conv", whole.operands(0), batchOf(kernels, 0, kTokens), 2);
  expectNear(whole.output, want.output, 1e-5);
  EXPECT_EQ(whole.windows, want.windows);
  single.allow(kernels);
  for (unsigned token = 0; token < kTokens; ++token)
    kernels.run("conv", single.operands(token), batchOf(kernels, token, 1), 2);
  EXPECT_EQ(single.output, whole.output);
  EXPECT_EQ(single.windows, want.windows);
}

/// Without the fusion: states to rows, convolution, shift, rows to states.
TEST(CudaRecurrent, ConvolvesFromCopiedWindows) {
  constexpr unsigned kWindow = (kTaps - 1) * kChannels;
  auto copy = [=](const char *name, bool store) {
    return fmt::format("tile.kernel @{} #tile.state_copy<elements = {}, store "
                       "= {}> {{}}\n",
                       name, kWindow, store);
  };
  EmulatedKernels kernels(copy("load", false) + copy("store", true) +
                          convKernel("conv", ", bias = true, silu = true") +
                          convKernel("shift", ", shift = true"));
  ASSERT_EQ(kernels.error, "");
  ConvData want = expectedConv(), data;
  std::vector<float> before(kTokens * kWindow, NAN), behind(kTokens * kWindow);
  data.allow(kernels);
  kernels.allow("before", before.data(), before.size() * 4);
  kernels.allow("behind", behind.data(), behind.size() * 4);
  Batch batch = batchOf(kernels, 0, kTokens);
  kernels.run("load", {data.windows.data(), before.data()}, batch, 1);
  kernels.run("conv",
              {data.input.data(), data.weight.data(), data.bias.data(),
               before.data(), data.output.data()},
              batch, 2);
  kernels.run("shift", {data.input.data(), before.data(), behind.data()}, batch,
              2);
  kernels.run("store", {behind.data(), data.windows.data()}, batch, 1);
  expectNear(data.output, want.output, 1e-5);
  EXPECT_EQ(data.windows, want.windows);
}

TEST(CudaRecurrent, RefusalsNameKernelAndReason) {
  auto expectRefusal = [](const std::string &op, const std::string &message) {
    EXPECT_EQ(EmulatedKernels("tile.kernel @k " + op + " {}").error,
              "kernel 'k': " + message);
  };
  ScanSizes wide = {"k", true, true, 2, 4, 512, 64};
  EXPECT_EQ(EmulatedKernels(wide.kernel(true)).error,
            "kernel 'k': state of 512 by 64 in a head; a block has registers "
            "for 256 rows");
  ScanSizes odd = {"k", true, true, 3, 4, 16, 16};
  EXPECT_EQ(EmulatedKernels(odd.kernel(true)).error,
            "kernel 'k': 4 value heads over 3 key heads");
  expectRefusal("#tile.conv<channels = 8, taps = 9, stride = 8>",
                "convolves 9 tokens; expected 2 to 8");
}

} // namespace
