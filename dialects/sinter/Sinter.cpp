/// Registers the sinter dialect: its types, attributes, and the block types
/// that are spelled like the weight formats.
#include "dialects/sinter/Sinter.h"
#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/sinter/EncoderOps.h"
#include "dialects/sinter/LatentOps.h"
#include "dialects/sinter/MoeOps.h"
#include "dialects/sinter/NormOps.h"
#include "dialects/sinter/RecurrentOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter;

#include "dialects/sinter/SinterDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/sinter/SinterTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/sinter/SinterAttributes.cpp.inc"

void SinterDialect::initialize() {
  registerTypes();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialects/sinter/SinterOps.cpp.inc"
      >();
  registerElementwiseOps(*this);
  registerEncoderOps(*this);
  registerNormOps(*this);
  registerLatentOps(*this);
  registerMoeOps(*this);
  registerRecurrentOps(*this);
}

void SinterDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/sinter/SinterTypes.cpp.inc"
      >();
}

void SinterDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/sinter/SinterAttributes.cpp.inc"
      >();
}

Type SinterDialect::parseType(DialectAsmParser &parser) const {
  SMLoc where = parser.getCurrentLocation();
  StringRef mnemonic;
  Type type;
  OptionalParseResult result = generatedTypeParser(parser, &mnemonic, type);
  if (result.has_value())
    return succeeded(*result) ? type : Type();
  const Format *format = findFormat(std::string_view(mnemonic));
  if (format && format->form.family != Family::Plain)
    return BlockType::get(getContext(), format);
  parser.emitError(where) << "unknown sinter type '" << mnemonic
                          << "'; expected batch, kv_cache, recurrent, q8 or a "
                             "weight format";
  return Type();
}

void SinterDialect::printType(Type type, DialectAsmPrinter &printer) const {
  if (auto block = dyn_cast<BlockType>(type)) {
    printer << StringRef(block.getFormat()->name);
    return;
  }
  (void)generatedTypePrinter(type, printer);
}

Type BlockType::parse(AsmParser &parser) {
  parser.emitError(parser.getCurrentLocation())
      << "a block type is written as its format's name";
  return Type();
}

void BlockType::print(AsmPrinter &printer) const {}

LogicalResult KvCacheType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  unsigned heads, unsigned keys,
                                  unsigned values, Type element,
                                  unsigned window) {
  if (heads == 1 && keys && !values && window)
    return emitError() << "kv_cache without values needs all tokens, found a "
                          "window of "
                       << window;
  if (!heads || !keys || (!values && heads != 1))
    return emitError() << "kv_cache needs heads, keys and values above 0, "
                          "found "
                       << heads << ", " << keys << ", " << values;
  if (!element.isF16() && !element.isBF16() && !element.isF32() &&
      !isByteCache(element))
    return emitError() << "kv_cache holds f16, bf16, f32, f8E4M3FN or "
                          "!sinter.q8_0, found "
                       << element;
  // Blocks of a scale each; or pairs or fours of columns and of tokens, so that
  // the smallest register is full.
  unsigned whole = isQ8Cache(element) ? 32 : 4;
  if (!element.isF16() && !element.isF32() &&
      (keys % whole || values % whole || !values))
    return emitError() << "kv_cache of " << element
                       << " needs keys and values of multiples of " << whole
                       << ", found " << keys << " and " << values;
  return success();
}

LogicalResult
RecurrentType::verify(function_ref<InFlightDiagnostic()> emitError,
                      unsigned heads, unsigned keys, unsigned values) {
  if (!heads || !keys || !values)
    return emitError() << "recurrent needs heads, keys and values above 0, "
                          "found "
                       << heads << ", " << keys << ", " << values;
  return success();
}

/// Six bits of set, three of shift (dialects/tile/ActivationLayout.h).
static constexpr unsigned kMaxQ8Sums = 511;

LogicalResult Q8Type::verify(function_ref<InFlightDiagnostic()> emitError,
                             unsigned sums) {
  if (sums > kMaxQ8Sums)
    return emitError() << "q8 knows the sums 1, 2, 4, 8, 128 and 256 and "
                          "shifts up to 7, found "
                       << sums;
  return success();
}

LogicalResult TargetAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef, StringRef, unsigned, uint64_t,
                                 uint64_t, uint64_t, unsigned,
                                 unsigned prefetchInto, DictionaryAttr) {
  if (prefetchInto != 1 && prefetchInto != 2)
    return emitError() << "prefetches fill cache 1 or 2, found "
                       << prefetchInto;
  return success();
}

bool TargetAttr::hasFeature(StringRef feature) const {
  SmallVector<StringRef> names;
  getFeatures().split(names, ',');
  return llvm::is_contained(names, feature);
}

double TargetAttr::rate(StringRef what) const {
  auto number = getRates() ? getRates().getAs<FloatAttr>(what) : FloatAttr();
  return number ? number.getValueAsDouble() : 0;
}

unsigned ModelAttr::count(StringRef what, unsigned otherwise) const {
  auto number =
      getCounts() ? getCounts().getAs<IntegerAttr>(what) : IntegerAttr();
  return number ? number.getInt() : otherwise;
}

bool sinter::isQ8Cache(Type element) {
  auto block = dyn_cast<BlockType>(element);
  return block && block.getFormat()->name == "q8_0";
}

bool sinter::isByteCache(Type element) {
  return element.isFloat8E4M3FN() || isQ8Cache(element);
}

uint64_t sinter::cacheBytes(Type element, uint64_t numbers) {
  if (auto block = dyn_cast<BlockType>(element))
    return numbers / block.getFormat()->blockWeights *
           block.getFormat()->blockBytes;
  return numbers * (element.getIntOrFloatBitWidth() / 8);
}

const Format *sinter::formatOf(Type element) {
  if (auto block = dyn_cast<BlockType>(element))
    return block.getFormat();
  if (element.isF32())
    return findFormat("f32");
  if (element.isF16())
    return findFormat("f16");
  return element.isBF16() ? findFormat("bf16") : nullptr;
}

Type sinter::elementTypeFor(const Format &format, MLIRContext *context) {
  Builder builder(context);
  switch (format.form.plain) {
  case PlainType::F32:
    return builder.getF32Type();
  case PlainType::F16:
    return builder.getF16Type();
  case PlainType::BF16:
    return builder.getBF16Type();
  case PlainType::None:
    break;
  }
  return BlockType::get(context, &format);
}
