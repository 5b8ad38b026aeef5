/// Reads how a model's positions rotate its heads: plain, linear, YaRN,
/// LongRoPE.
#include "frontends/gguf/ModelBuilder.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace sinter;
using llvm::StringRef;
using mlir::FlatSymbolRefAttr;

/// The YaRN parameters (arXiv 2309.00071). The factor of cos and sin is
/// 0.1 · ln(factor) + 1; a log multiplier m divides it by the same with
/// 0.1 · m, as DeepSeek and Mistral use it.
mlir::DenseF64ArrayAttr ModelBuilder::yarn(const Decoder &decoder,
                                           double factor, bool extrapolate) {
  Extent original =
      asked.size("rope.scaling.original_context_length", decoder.context);
  double mix = asked.number("rope.scaling.yarn_ext_factor", 1.0);
  double amplitude = asked.number("rope.scaling.attn_factor", 1.0);
  double fast = asked.number("rope.scaling.yarn_beta_fast", 32.0);
  double slow = asked.number("rope.scaling.yarn_beta_slow", 1.0);
  double multiplier = asked.number("rope.scaling.yarn_log_multiplier", 0.0);
  if (!extrapolate && amplitude == 1.0)
    return {};
  if (!extrapolate)
    mix = 0.0;
  double growth = factor > 1.0 ? 0.1 * std::log(factor) : 0.0;
  if (mix != 0.0)
    amplitude *= (growth + 1.0) / (multiplier * growth + 1.0);
  if (!std::isfinite(amplitude) || fast <= 0.0 || slow <= 0.0)
    asked.refuse(llvm::formatv("{0} with beta fast {1} and beta slow {2} "
                               "cannot be computed, expected numbers above 0",
                               asked.keyName("rope.scaling.type"),
                               plainNumber(fast), plainNumber(slow)));
  return builder.getDenseF64ArrayAttr({factor,
                                       static_cast<double>(original.value), mix,
                                       amplitude, fast, slow});
}

RopeAttr ModelBuilder::rope(const Decoder &decoder, RopePairs pairs,
                            StringRef factors) {
  Extent width = asked.size("rope.dimension_count", decoder.keyWidth);
  double base = asked.number("rope.freq_base", 10000.0);
  std::string type = asked.word("rope.scaling.type", "linear");
  double linear = asked.number("rope.scale_linear", 1.0);
  double factor = asked.number("rope.scaling.factor", linear);
  if (factor == 0.0 || type == "none")
    factor = 1.0; // 0 is how some writers say none
  if (width.value % 2 || width.value > decoder.keyWidth.value)
    asked.refuse(llvm::formatv(
        "{0} is {1}, expected an even number up to the head's width {2}",
        asked.keyName("rope.dimension_count"), width.value,
        decoder.keyWidth.value));
  if (base <= 0.0)
    asked.refuse(llvm::formatv("{0} is {1}, expected a number above 0",
                               asked.keyName("rope.freq_base"),
                               plainNumber(base)));
  if (factor < 0.0)
    asked.refuse(llvm::formatv("{0} is {1}, expected a number above 0",
                               asked.keyName("rope.scaling.factor"),
                               plainNumber(factor)));
  if (type != "none" && type != "linear" && type != "yarn" &&
      type != "longrope")
    asked.refuse(llvm::formatv("{0} is {1}, expected none, linear, yarn or "
                               "longrope",
                               asked.keyName("rope.scaling.type"),
                               quotedName(type)));
  FlatSymbolRefAttr table;
  if (!factors.empty())
    table = weight(factors, {width / Extent{2, "2"}}, /*plain=*/true,
                   Need::Optional);
  mlir::DenseF64ArrayAttr scaled = yarn(decoder, factor, type == "yarn");
  bool plainLinear = !scaled && factor != 1.0;
  return RopeAttr::get(
      builder.getContext(), width.value, builder.getF64FloatAttr(base),
      pairs == RopePairs::Halves, table,
      plainLinear ? builder.getF64FloatAttr(factor) : mlir::FloatAttr(), scaled,
      /*temperature=*/{}, /*longFactors=*/{}, /*longFrom=*/0);
}

RopeAttr ModelBuilder::localRope(RopeAttr rope, double base,
                                 const Extent &keyWidth) {
  Extent width = asked.size("rope.dimension_count_swa", keyWidth);
  if (width.value % 2 || width.value > keyWidth.value)
    asked.refuse(llvm::formatv(
        "{0} is {1}, expected an even number up to the head's width {2}",
        asked.keyName(width.formula), width.value, keyWidth.value));
  RopeAttr local = localRope(rope, base);
  return RopeAttr::get(builder.getContext(), width.value, local.getBase(),
                       local.getNeox(), /*factors=*/{}, /*linear=*/{},
                       /*yarn=*/{}, /*temperature=*/{}, /*longFactors=*/{},
                       /*longFrom=*/0);
}

RopeAttr ModelBuilder::localRope(RopeAttr rope, double base) {
  double own = asked.number("rope.freq_base_swa", base);
  if (own <= 0.0)
    asked.refuse(llvm::formatv("{0} is {1}, expected a number above 0",
                               asked.keyName("rope.freq_base_swa"),
                               plainNumber(own)));
  return RopeAttr::get(builder.getContext(), rope.getWidth(),
                       builder.getF64FloatAttr(own), rope.getNeox(),
                       /*factors=*/{}, /*linear=*/{}, /*yarn=*/{},
                       /*temperature=*/{}, /*longFactors=*/{}, /*longFrom=*/0);
}

RopeAttr ModelBuilder::alphaRope(RopeAttr rope) {
  double alpha = asked.number("rope.scaling.alpha", 0.0);
  if (alpha == 0.0)
    return rope;
  if (alpha < 0.0 || rope.getWidth() <= 2)
    asked.refuse(llvm::formatv("{0} is {1}, expected a number from 0 and heads "
                               "wider than 2",
                               asked.keyName("rope.scaling.alpha"),
                               plainNumber(alpha)));
  double width = rope.getWidth();
  double base =
      rope.getBase().getValueAsDouble() * std::pow(alpha, width / (width - 2));
  return RopeAttr::get(
      builder.getContext(), rope.getWidth(), builder.getF64FloatAttr(base),
      rope.getNeox(), rope.getFactors(), rope.getLinear(), rope.getYarn(),
      rope.getTemperature(), rope.getLongFactors(), rope.getLongFrom());
}

RopeAttr ModelBuilder::longRope(RopeAttr rope, const Decoder &decoder) {
  int64_t original =
      asked.size("rope.scaling.original_context_length", decoder.context).value;
  Extent pairs = {rope.getWidth() / 2, "rope.dimension_count / 2"};
  FlatSymbolRefAttr near = weight("rope_factors_short.weight", {pairs},
                                  /*plain=*/true, Need::Optional);
  FlatSymbolRefAttr far = weight("rope_factors_long.weight", {pairs},
                                 /*plain=*/true, Need::Optional);
  if (!near || !far)
    return rope;
  return RopeAttr::get(builder.getContext(), rope.getWidth(), rope.getBase(),
                       rope.getNeox(), near, rope.getLinear(), rope.getYarn(),
                       rope.getTemperature(), far, original);
}

RopeAttr ModelBuilder::queryRope(RopeAttr rope, const Decoder &decoder) {
  constexpr const char *kScale = "attention.temperature_scale";
  double scale = asked.number(kScale, 0.0);
  if (scale == 0.0)
    return rope;
  double length =
      asked.size("rope.scaling.original_context_length", decoder.context).value;
  // The factor rides on cosines and sines, which the rest of a head has not.
  if (rope.getWidth() != decoder.keyWidth.value)
    asked.refuse(llvm::formatv(
        "{0} is {1}, but {2} is {3}, expected all {4} elements of a head",
        asked.keyName(kScale), plainNumber(scale),
        asked.keyName("rope.dimension_count"), rope.getWidth(),
        decoder.keyWidth.value));
  return RopeAttr::get(builder.getContext(), rope.getWidth(), rope.getBase(),
                       rope.getNeox(), rope.getFactors(), rope.getLinear(),
                       rope.getYarn(),
                       builder.getDenseF64ArrayAttr({scale, length}),
                       rope.getLongFactors(), rope.getLongFrom());
}
