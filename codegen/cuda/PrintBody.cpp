/// Prints hole bodies: arith and math ops of scalars become statements.
#include "codegen/cuda/KernelText.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;

namespace sinter {

std::string cuda::printFloat(double value) {
  auto number = static_cast<float>(value);
  if (std::isinf(number))
    return number < 0 ? "-infinity()" : "infinity()";
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%.9g", number);
  std::string text = digits;
  if (text.find_first_of(".e") == std::string::npos)
    text += ".0";
  return text + "f";
}

/// The formula of an op, whose operands are {0} and {1}; null: unknown.
static const char *formulaOf(Operation &op) {
  return llvm::TypeSwitch<Operation *, const char *>(&op)
      .Case<arith::AddFOp>([](auto) { return "{0} + {1}"; })
      .Case<arith::SubFOp>([](auto) { return "{0} - {1}"; })
      .Case<arith::MulFOp>([](auto) { return "{0} * {1}"; })
      .Case<arith::DivFOp>([](auto) { return "{0} / {1}"; })
      .Case<arith::NegFOp>([](auto) { return "-({0})"; })
      .Case<arith::MaxNumFOp, arith::MaximumFOp>(
          [](auto) { return "fmaxf({0}, {1})"; })
      .Case<arith::MinNumFOp, arith::MinimumFOp>(
          [](auto) { return "fminf({0}, {1})"; })
      .Case<math::ExpOp>([](auto) { return "expf({0})"; })
      .Case<math::TanhOp>([](auto) { return "tanhf({0})"; })
      .Case<math::ErfOp>([](auto) { return "erff({0})"; })
      .Case<math::SqrtOp>([](auto) { return "sqrtf({0})"; })
      .Case<math::AbsFOp>([](auto) { return "fabsf({0})"; })
      .Default([](Operation *) { return nullptr; });
}

llvm::Expected<std::string> cuda::printBody(Region &body, unsigned arguments) {
  std::string text = llvm::formatv(
      "  static float apply(const float (&x)[{0}]) {{\n", arguments);
  if (body.empty())
    return text + "    return x[0];\n  }\n";
  llvm::DenseMap<Value, std::string> names;
  for (BlockArgument argument : body.getArguments())
    names[argument] = llvm::formatv("x[{0}]", argument.getArgNumber());
  for (Operation &op : body.front()) {
    if (auto yield = dyn_cast<tile::YieldOp>(op)) {
      text += "    return " + names[yield.getValue()] + ";\n";
      break;
    }
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      auto value = cast<FloatAttr>(constant.getValue());
      names[constant] = printFloat(value.getValueAsDouble());
      continue;
    }
    const char *formula = formulaOf(op);
    if (!formula)
      return llvm::createStringError("its body has a %s, which is not printed",
                                     op.getName().getStringRef().str().c_str());
    std::string name = llvm::formatv("y{0}", names.size());
    std::string second = op.getNumOperands() > 1 ? names[op.getOperand(1)] : "";
    text += llvm::formatv(
                "    const float {0} = {1};\n", name,
                llvm::formatv(formula, names[op.getOperand(0)], second).str())
                .str();
    names[op.getResult(0)] = name;
  }
  return text + "  }\n";
}

} // namespace sinter
