/// Dequantises small tensors and computes rotary frequencies.
#include "compiler/ConstantData.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace mlir;

namespace sinter {

std::span<const std::byte> weightBytes(const GgufModel &file,
                                       WeightOp weight) {
  auto type = cast<RankedTensorType>(weight.getType());
  const Format *format = formatOf(type.getElementType());
  uint64_t bytes =
      type.getNumElements() / format->blockWeights * format->blockBytes;
  return file.bytes(weight.getFile(), weight.getOffset(), bytes);
}

std::vector<float> weightValues(const GgufModel &file, WeightOp weight) {
  auto type = cast<RankedTensorType>(weight.getType());
  const Format *format = formatOf(type.getElementType());
  std::span<const std::byte> bytes = weightBytes(file, weight);
  const auto *block = reinterpret_cast<const uint8_t *>(bytes.data());
  std::vector<float> values(type.getNumElements());
  for (size_t i = 0; i < values.size(); i += format->blockWeights) {
    format->dequantize(block, values.data() + i);
    block += format->blockBytes;
  }
  return values;
}

namespace {

/// YaRN's ramp between pairs that turn often (left as they are) and pairs that
/// do not complete a turn within the original context (interpolated).
struct YarnRamp {
  double low, high;

  YarnRamp(RopeAttr rope, ArrayRef<double> yarn) {
    double width = rope.getWidth(), base = rope.getBase().getValueAsDouble();
    auto pairTurning = [&](double turns) {
      return width * std::log(yarn[1] / (turns * 2 * std::numbers::pi)) /
             (2 * std::log(base));
    };
    low = std::max(0.0, std::floor(pairTurning(yarn[4])));
    high = std::min(width - 1, std::ceil(pairTurning(yarn[5])));
  }

  /// 1 where the frequency stays as it is.
  double at(double pair) const {
    // 0.001: the paper's code divides by no less.
    double y = (pair - low) / std::max(0.001, high - low);
    return 1 - std::clamp(y, 0.0, 1.0);
  }
};

} // namespace

std::vector<float> ropeFrequencies(RopeAttr rope,
                                   std::span<const float> factors) {
  double base = rope.getBase().getValueAsDouble();
  DenseF64ArrayAttr yarn = rope.getYarn();
  std::vector<float> frequencies(rope.getWidth() / 2);
  for (size_t i = 0; i < frequencies.size(); ++i) {
    double frequency = std::pow(base, -2.0 * i / rope.getWidth());
    if (!factors.empty())
      frequency /= factors[i];
    if (rope.getLinear())
      frequency /= rope.getLinear().getValueAsDouble();
    if (yarn) {
      double keep =
          yarn[2] == 0 ? 0 : YarnRamp(rope, yarn.asArrayRef()).at(i) * yarn[2];
      frequency = frequency / yarn[0] * (1 - keep) + frequency * keep;
    }
    frequencies[i] = static_cast<float>(frequency);
  }
  return frequencies;
}

} // namespace sinter
