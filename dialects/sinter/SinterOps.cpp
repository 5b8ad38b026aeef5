/// Verifiers of the sinter ops, in the order of SinterOps.td: each says which
/// op, operand and shapes disagree.
#include "dialects/sinter/Operands.h"
#include "dialects/sinter/RowRuns.h"
#include "dialects/sinter/Sinter.h"

using namespace mlir;
using namespace sinter;

#define GET_OP_CLASSES
#include "dialects/sinter/SinterOps.cpp.inc"

/// That `scale`, if given, names one float32 number.
static LogicalResult verifyScale(Operation *op, FlatSymbolRefAttr scale,
                                 SymbolTableCollection &tables) {
  if (!scale)
    return success();
  auto type = weightType(op, scale, tables);
  if (failed(type))
    return failure();
  if (type->getNumElements() != 1 || !type->getElementType().isF32())
    return op->emitOpError("has a scale of ")
           << *type << ", expected one f32 number";
  return success();
}

LogicalResult WeightOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  if (!type.hasStaticShape() || type.getRank() < 1)
    return emitOpError("needs a static shape, found ") << type;
  const Format *format = formatOf(type.getElementType());
  if (!format)
    return emitOpError("has element type ")
           << type.getElementType() << ", which is no weight format";
  if (type.getShape().back() % format->blockWeights)
    return emitOpError("has rows of ")
           << type.getShape().back() << " weights; " << StringRef(format->name)
           << " needs a multiple of " << format->blockWeights;
  return verifyRowRuns(*this);
}

LogicalResult EmbedOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto weight = weightType(*this, getWeightAttr(), tables);
  if (failed(weight))
    return failure();
  if (weight->getRank() != 2 || weight->getDimSize(1) != rowWidth(getResult()))
    return emitOpError("reads rows of ")
           << *weight << " but gives " << getResult().getType();
  return verifyScale(*this, getScaleAttr(), tables);
}

LogicalResult RmsNormOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto weight = weightType(*this, getWeightAttr(), tables);
  if (failed(weight))
    return failure();
  if (weight->getRank() != 1 || rowWidth(getInput()) % weight->getDimSize(0))
    return emitOpError("norms rows of ")
           << rowWidth(getInput()) << " with a weight of " << *weight;
  return success();
}

LogicalResult MatmulOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto weight = weightType(*this, getWeightAttr(), tables);
  if (failed(weight))
    return failure();
  if (weight->getRank() != 2 || weight->getDimSize(1) != rowWidth(getInput()) ||
      weight->getDimSize(0) != rowWidth(getResult()))
    return emitOpError("multiplies ")
           << getInput().getType() << " by " << *weight << " into "
           << getResult().getType();
  if (auto bias = getBiasAttr()) {
    auto type = weightType(*this, bias, tables);
    if (failed(type))
      return failure();
    if (type->getRank() != 1 || type->getDimSize(0) != rowWidth(getResult()))
      return emitOpError("adds a bias of ")
             << *type << " to rows of " << rowWidth(getResult());
  }
  return verifyScale(*this, getScaleAttr(), tables);
}

LogicalResult RopeOp::verify() {
  int64_t heads = getHeads(), width = rowWidth(getInput());
  if (heads < 1 || width % heads)
    return emitOpError("splits rows of ")
           << width << " into " << heads << " heads";
  if (getRope().getWidth() % 2 || getRope().getWidth() > width / heads)
    return emitOpError("rotates ") << getRope().getWidth() << " of the "
                                   << width / heads << " elements of a head";
  DenseF64ArrayAttr temperature = getRope().getTemperature();
  if (!temperature)
    return success();
  if (temperature.size() != 2 || !(temperature[1] >= 1))
    return emitOpError("has the temperature ")
           << temperature << ", expected a scale and a length of at least 1";
  if (getRope().getWidth() != width / heads)
    return emitOpError("has a temperature, but rotates only ")
           << getRope().getWidth() << " of the " << width / heads
           << " elements of a head";
  return success();
}

LogicalResult CacheWriteOp::verify() {
  KvCacheType cache = getCache().getType();
  if (rowWidth(getKeys()) != cache.getHeads() * cache.getKeys())
    return emitOpError("writes keys of ")
           << rowWidth(getKeys()) << " into " << cache;
  if (rowWidth(getValues()) != cache.getHeads() * cache.getValues())
    return emitOpError("writes values of ")
           << rowWidth(getValues()) << " into " << cache;
  return success();
}

LogicalResult AttentionOp::verify() {
  KvCacheType cache = getCache().getType();
  int64_t heads = getHeads();
  if (heads < 1 || heads % cache.getHeads())
    return emitOpError("has ") << heads << " heads over " << cache;
  if (rowWidth(getQuery()) != heads * cache.getKeys() ||
      rowWidth(getResult()) != heads * cache.getValues())
    return emitOpError("of ")
           << heads << " heads takes " << getQuery().getType() << " and gives "
           << getResult().getType() << " over " << cache;
  int64_t window = getWindow().value_or(0);
  if (getWindow() && window < 1)
    return emitOpError("has a window of ") << window << ", expected at least 1";
  if (cache.getWindow() && (!window || window > cache.getWindow()))
    return emitOpError("needs a window of at most ")
           << cache.getWindow() << " over " << cache;
  if (std::optional<APFloat> cap = getSoftcap();
      cap && !(cap->convertToDouble() > 0))
    return emitOpError("has the softcap ")
           << cap->convertToDouble() << ", expected one above 0";
  return success();
}

LogicalResult AttentionOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (!getSinksAttr())
    return success();
  auto sinks = weightType(*this, getSinksAttr(), tables);
  if (failed(sinks))
    return failure();
  int64_t heads = getHeads();
  if (sinks->getRank() != 1 || sinks->getDimSize(0) != heads)
    return emitOpError("has sinks of ")
           << *sinks << " for " << heads << " heads";
  return success();
}

LogicalResult QuantizeOp::verify() {
  if (rowWidth(getInput()) != rowWidth(getResult()))
    return emitOpError("turns ")
           << getInput().getType() << " into " << getResult().getType();
  if (rowWidth(getInput()) % 32)
    return emitOpError("needs rows of a multiple of 32, found ")
           << rowWidth(getInput());
  return success();
}

LogicalResult RegionOp::verify() {
  Block &body = getBody().front();
  if (body.getArgumentTypes() != getInputs().getTypes())
    return emitOpError("'")
           << getKind() << "' has arguments that differ from its inputs";
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getValues().getTypes() != getResults().getTypes())
    return emitOpError("'")
           << getKind() << "' yields other types than its results";
  return success();
}
