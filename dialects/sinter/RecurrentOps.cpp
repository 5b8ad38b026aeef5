/// Verifiers and formulas of the recurrent ops: each says which op, operand and
/// shapes disagree.
#include "dialects/sinter/RecurrentOps.h"

#include "dialects/sinter/Operands.h"
#include "dialects/sinter/Scalars.h"

using namespace mlir;
using namespace sinter;

#define GET_OP_CLASSES
#include "dialects/sinter/RecurrentOps.cpp.inc"

void sinter::registerRecurrentOps(SinterDialect &dialect) {
  dialect.addGroup<
#define GET_OP_LIST
#include "dialects/sinter/RecurrentOps.cpp.inc"
      >();
}

/// That `symbol` names a weight of `elements` numbers, called `what`.
static LogicalResult verifyVector(Operation *op, FlatSymbolRefAttr symbol,
                                  StringRef what, int64_t elements,
                                  SymbolTableCollection &tables) {
  auto type = weightType(op, symbol, tables);
  if (failed(type))
    return failure();
  if (type->getNumElements() != elements)
    return op->emitOpError("has the ")
           << what << " " << *type << ", expected " << elements << " numbers";
  return success();
}

static LogicalResult verifyStateRows(Operation *op, Value rows,
                                     RecurrentType state) {
  if (uint64_t(rowWidth(rows)) != state.elements())
    return op->emitOpError("has rows of ")
           << rowWidth(rows) << " for " << state << " of " << state.elements();
  return success();
}

LogicalResult StateLoadOp::verify() {
  return verifyStateRows(*this, getResult(), getState().getType());
}

LogicalResult StateStoreOp::verify() {
  return verifyStateRows(*this, getRows(), getState().getType());
}

LogicalResult ShortConvOp::verifySymbolUses(SymbolTableCollection &tables) {
  int64_t channels = rowWidth(getInput()), window = rowWidth(getWindow());
  if (rowWidth(getResult()) != channels || window % channels || window < 1)
    return emitOpError("of rows of ")
           << channels << " has a window of " << window << " and gives rows of "
           << rowWidth(getResult());
  if (failed(verifyVector(*this, getWeightAttr(), "weight", channels + window,
                          tables)))
    return failure();
  if (!getBiasAttr())
    return success();
  return verifyVector(*this, getBiasAttr(), "bias", channels, tables);
}

LogicalResult ConvWindowOp::verify() {
  if (rowWidth(getWindow()) % rowWidth(getInput()))
    return emitOpError("has a window of ")
           << rowWidth(getWindow()) << ", expected a multiple of "
           << rowWidth(getInput());
  return success();
}

/// Of a row of queries, keys and values: what the result leaves is shared by
/// queries and keys.
int64_t GatedDeltaNetOp::keyWidth() {
  return (rowWidth(getMixed()) - rowWidth(getResult())) / 2 /
         int64_t(getKeyHeads());
}

int64_t GatedDeltaNetOp::valueWidth() {
  return rowWidth(getResult()) / int64_t(getValueHeads());
}

int64_t GatedDeltaNetOp::stateRows(int64_t chunk) {
  int64_t kept = chunk * (keyWidth() + valueWidth() + 1);
  return keyWidth() + (kept + valueWidth() - 1) / valueWidth();
}

LogicalResult GatedDeltaNetOp::verify() {
  int64_t keys = getKeyHeads(), values = getValueHeads();
  int64_t result = rowWidth(getResult());
  int64_t shared = rowWidth(getMixed()) - result;
  if (keys < 1 || values < 1 || values % keys)
    return emitOpError("has ") << values << " value heads for " << keys
                               << " key heads, expected a multiple";
  if (shared < 2 * keys || shared % (2 * keys) || result % values)
    return emitOpError("splits rows of ")
           << rowWidth(getMixed()) << " into heads " << keys << " : " << values
           << " with a result of " << result;
  if (rowWidth(getAlpha()) != values || rowWidth(getBeta()) != values)
    return emitOpError("has alpha and beta of ")
           << rowWidth(getAlpha()) << " and " << rowWidth(getBeta()) << " for "
           << values << " heads";
  int64_t chunk = getChunk().value_or(0);
  if (getChunk() && chunk < 1)
    return emitOpError("has chunks of ") << chunk << ", expected 1 or more";
  int64_t state = values * stateRows(chunk) * valueWidth();
  if (rowWidth(getState()) != state)
    return emitOpError("has a state of ")
           << rowWidth(getState()) << ", expected " << state;
  return success();
}

LogicalResult GatedDeltaNetOp::verifySymbolUses(SymbolTableCollection &tables) {
  int64_t heads = getValueHeads();
  if (failed(verifyVector(*this, getDecayAttr(), "decay", heads, tables)))
    return failure();
  return verifyVector(*this, getBiasAttr(), "bias", heads, tables);
}

int64_t SsmScanOp::valueWidth() {
  return rowWidth(getResult()) / int64_t(getHeads());
}

int64_t SsmScanOp::stateWidth() {
  return (rowWidth(getMixed()) - rowWidth(getResult())) / 2 /
         int64_t(getGroups());
}

LogicalResult SsmScanOp::verify() {
  int64_t heads = getHeads(), groups = getGroups();
  int64_t result = rowWidth(getResult());
  int64_t shared = rowWidth(getMixed()) - result;
  if (heads < 1 || groups < 1 || heads % groups)
    return emitOpError("has ") << heads << " heads for " << groups
                               << " groups, expected a multiple";
  if (shared < 2 * groups || shared % (2 * groups) || result % heads)
    return emitOpError("splits rows of ")
           << rowWidth(getMixed()) << " into " << heads << " heads and "
           << groups << " groups with a result of " << result;
  if (rowWidth(getDt()) != heads)
    return emitOpError("has dt of ")
           << rowWidth(getDt()) << " for " << heads << " heads";
  int64_t state = result * stateWidth();
  if (rowWidth(getState()) != state)
    return emitOpError("has a state of ")
           << rowWidth(getState()) << ", expected " << state;
  return success();
}

LogicalResult SsmScanOp::verifySymbolUses(SymbolTableCollection &tables) {
  int64_t heads = getHeads();
  if (failed(verifyVector(*this, getDecayAttr(), "decay", heads, tables)) ||
      failed(verifyVector(*this, getBiasAttr(), "bias", heads, tables)))
    return failure();
  return verifyVector(*this, getSkipAttr(), "skip", heads, tables);
}

LogicalResult GroupedNormOp::verifySymbolUses(SymbolTableCollection &tables) {
  int64_t width = rowWidth(getInput()), groups = getGroups();
  if (groups < 1 || width % groups)
    return emitOpError("norms rows of ")
           << width << " in " << groups << " groups";
  return verifyVector(*this, getWeightAttr(), "weight", width, tables);
}

LogicalResult HeadColumnsOp::verify() {
  int64_t heads = getHeads(), have = rowWidth(getInput());
  int64_t want = rowWidth(getResult()), offset = getOffset();
  if (heads < 1 || have % heads || want % heads || offset < 0 ||
      offset + want / heads > have / heads)
    return emitOpError("takes ") << want << " of " << have << " columns at "
                                 << offset << " of " << heads << " heads";
  return success();
}

LogicalResult FoldOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType());
  auto to = cast<RankedTensorType>(getResult().getType());
  RankedTensorType wide = from.getRank() == 3 ? from : to;
  RankedTensorType flat = from.getRank() == 3 ? to : from;
  if (wide.getRank() != 3 || wide.getDimSize(1) != 1 || flat.getRank() != 2 ||
      wide.getDimSize(2) != flat.getDimSize(1))
    return emitOpError("folds ") << from << " into " << to;
  return success();
}

Value SiluOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  return Scalars{b, loc}.gated(x[0], x[0]);
}

Value MulOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  return Scalars{b, loc}.mul(x[0], x[1]);
}

Value SigmoidGateOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  return Scalars{b, loc}.gated(x[0], x[1]);
}
