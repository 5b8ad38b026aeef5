/// Arithmetic with the sizes of a model, and how it is written.
#include "frontends/gguf/Extent.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace sinter;
using llvm::StringRef;

/// More than any file's tensor has, and few enough to add some of them.
static constexpr int64_t kBeyondTensors = INT64_MAX / 8;

static int64_t product(int64_t left, int64_t right) {
  int64_t result = 0;
  bool over = llvm::MulOverflow(left, right, result) != 0;
  return over ? kBeyondTensors : std::min(result, kBeyondTensors);
}

static int64_t sum(int64_t left, int64_t right) {
  int64_t result = 0;
  bool over = llvm::AddOverflow(left, right, result) != 0;
  return over ? kBeyondTensors : std::min(result, kBeyondTensors);
}

static std::string factor(const Extent &extent) {
  StringRef formula = extent.formula;
  bool sum = formula.contains(" / ") || formula.contains(" + ") ||
             formula.contains(" - ");
  return sum ? "(" + extent.formula + ")" : extent.formula;
}

Extent sinter::operator*(const Extent &left, const Extent &right) {
  return {product(left.value, right.value),
          factor(left) + " * " + factor(right)};
}

Extent sinter::operator/(const Extent &left, const Extent &right) {
  return {left.value / right.value, factor(left) + " / " + factor(right)};
}

Extent sinter::operator+(const Extent &left, const Extent &right) {
  return {sum(left.value, right.value), left.formula + " + " + right.formula};
}

std::string sinter::plainNumber(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", number);
  return text;
}
