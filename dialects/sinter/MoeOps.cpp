/// Verifiers of the ops of a mixture of experts: each says which op, operand
/// and shapes disagree. And the text form of the route.
#include "dialects/sinter/MoeOps.h"

#include "dialects/sinter/Operands.h"
#include "dialects/sinter/Scalars.h"

using namespace mlir;
using namespace sinter;

#define GET_OP_CLASSES
#include "dialects/sinter/MoeOps.cpp.inc"

void sinter::registerMoeOps(SinterDialect &dialect) {
  dialect.addGroup<
#define GET_OP_LIST
#include "dialects/sinter/MoeOps.cpp.inc"
      >();
}

static RankedTensorType typeOf(Value rows) {
  return cast<RankedTensorType>(rows.getType());
}

/// That `symbol`, if given, names float32 numbers of this shape.
static LogicalResult verifyVector(Operation *op, StringRef what,
                                  FlatSymbolRefAttr symbol,
                                  ArrayRef<int64_t> shape,
                                  SymbolTableCollection &tables) {
  if (!symbol)
    return success();
  auto type = weightType(op, symbol, tables);
  if (failed(type))
    return failure();
  if (type->getShape() != shape || !type->getElementType().isF32())
    return op->emitOpError("has a ")
           << what << " of " << *type << ", expected "
           << RankedTensorType::get(shape, Float32Type::get(op->getContext()));
  return success();
}

// --- route ----------------------------------------------------------------

static constexpr StringLiteral kScorings[] = {"softmax", "sigmoid",
                                              "softmax_chosen"};

ParseResult RouteOp::parse(OpAsmParser &parser, OperationState &state) {
  OpAsmParser::UnresolvedOperand logits;
  Builder &b = parser.getBuilder();
  StringRef scoring;
  SMLoc place;
  RouteOp::Properties &properties = state.getOrAddProperties<Properties>();
  properties.groups = properties.usedGroups = b.getI64IntegerAttr(1);
  properties.groupBest = b.getI64IntegerAttr(2);
  properties.scale = b.getF64FloatAttr(1.0);
  if (parser.parseOperand(logits) || parser.getCurrentLocation(&place) ||
      parser.parseKeyword(&scoring))
    return failure();
  if (!llvm::is_contained(kScorings, scoring))
    return parser.emitError(place, "scores by '")
           << scoring << "', expected softmax, sigmoid or softmax_chosen";
  properties.scoring = b.getStringAttr(scoring);
  if (succeeded(parser.parseOptionalKeyword("bias")) &&
      parser.parseAttribute(properties.bias, parser.getBuilder().getNoneType()))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("normalise")))
    properties.normalise = b.getUnitAttr();
  int64_t groups, used;
  if (succeeded(parser.parseOptionalKeyword("groups"))) {
    if (parser.parseInteger(groups) || parser.parseKeyword("of") ||
        parser.parseInteger(used))
      return failure();
    properties.groups = b.getI64IntegerAttr(groups);
    properties.usedGroups = b.getI64IntegerAttr(used);
    int64_t best = 2;
    if (succeeded(parser.parseOptionalKeyword("best")) &&
        parser.parseInteger(best))
      return failure();
    properties.groupBest = b.getI64IntegerAttr(best);
  }
  double scale;
  if (succeeded(parser.parseOptionalKeyword("scale"))) {
    if (parser.parseFloat(scale))
      return failure();
    properties.scale = b.getF64FloatAttr(scale);
  }
  if (succeeded(parser.parseOptionalKeyword("times")) &&
      parser.parseAttribute(properties.expertScale, b.getNoneType()))
    return failure();
  Type type;
  return failure(parser.parseOptionalAttrDict(state.attributes) ||
                 parser.parseColonType(type) || parser.parseArrow() ||
                 parser.parseTypeList(state.types) ||
                 parser.resolveOperand(logits, type, state.operands));
}

void RouteOp::print(OpAsmPrinter &p) {
  p << ' ' << getLogits() << ' ' << getScoring();
  if (getBiasAttr())
    p << " bias " << getBiasAttr();
  if (getNormalise())
    p << " normalise";
  if (getGroups() != 1)
    p << " groups " << getGroups() << " of " << getUsedGroups();
  if (getGroups() != 1 && getGroupBest() != 2)
    p << " best " << getGroupBest();
  if (getScaleAttr().getValueAsDouble() != 1.0) {
    p << " scale ";
    p.printFloat(getScale());
  }
  if (getExpertScaleAttr())
    p << " times " << getExpertScaleAttr();
  p.printOptionalAttrDict((*this)->getAttrs(),
                          {"scoring", "bias", "normalise", "groups",
                           "usedGroups", "groupBest", "scale", "expertScale"});
  p << " : " << getLogits().getType() << " -> " << getIds().getType() << ", "
    << getWeights().getType();
}

LogicalResult RouteOp::verifySymbolUses(SymbolTableCollection &tables) {
  int64_t experts = rowWidth(getLogits()), top = rowWidth(getIds());
  int64_t groups = getGroups(), used = getUsedGroups();
  if (!llvm::is_contained(kScorings, getScoring()))
    return emitOpError("scores by '")
           << getScoring() << "', expected softmax, sigmoid or softmax_chosen";
  if (typeOf(getIds()).getShape() != typeOf(getWeights()).getShape())
    return emitOpError("gives ")
           << getIds().getType() << " with weights " << getWeights().getType();
  if (getGroupBest() != 1 && getGroupBest() != 2)
    return emitOpError("scores a group by its best ")
           << getGroupBest() << " experts, expected 1 or 2";
  if (groups < 1 || used < 1 || used > groups || experts % groups)
    return emitOpError("has ") << groups << " groups of " << experts
                               << " experts, of which " << used << " are used";
  if (top < 1 || top > experts / groups * used)
    return emitOpError("chooses ")
           << top << " of " << experts / groups * used << " experts";
  if (failed(verifyVector(*this, "scale", getExpertScaleAttr(), {experts},
                          tables)))
    return failure();
  return verifyVector(*this, "bias", getBiasAttr(), {experts}, tables);
}

// --- the others -----------------------------------------------------------

LogicalResult ExpertMatmulOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto declared = weightType(*this, getWeightAttr(), tables);
  if (failed(declared))
    return failure();
  RankedTensorType type = *declared;
  RankedTensorType input = typeOf(getInput()), result = typeOf(getResult());
  int64_t top = rowWidth(getIds()), rows = result.getShape().back();
  bool slots = input.getRank() == 3;
  int64_t first = getFirst();
  if (type.getRank() != 3 || type.getDimSize(2) != rowWidth(getInput()) ||
      result.getRank() != 3 || result.getDimSize(1) != top ||
      (slots && input.getDimSize(1) != top) || first < 0 ||
      rows > type.getDimSize(1) - first)
    return emitOpError("multiplies ")
           << input << " by " << type << " from row " << first << " into "
           << result << " for " << getIds().getType();
  if (failed(verifyVector(*this, "scale", getScaleAttr(), {type.getDimSize(0)},
                          tables)))
    return failure();
  return verifyVector(*this, "bias", getBiasAttr(),
                      {type.getDimSize(0), type.getDimSize(1)}, tables);
}

LogicalResult CombineOp::verify() {
  RankedTensorType input = typeOf(getInput());
  if (input.getRank() != 3 || input.getDimSize(1) != rowWidth(getWeights()) ||
      typeOf(getResult()).getRank() != 2 ||
      rowWidth(getInput()) != rowWidth(getResult()))
    return emitOpError("sums ") << input << " with " << getWeights().getType()
                                << " into " << getResult().getType();
  return success();
}

LogicalResult GateRowsOp::verify() {
  if (typeOf(getInput()).getRank() != 2 || rowWidth(getGate()) != 1)
    return emitOpError("gates ")
           << getInput().getType() << " by " << getGate().getType()
           << ", expected one number a row";
  return success();
}

bool ClampedSwigluOp::isActivation() { return true; }

Value ClampedSwigluOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  Scalars s{b, loc};
  Value most = s.number(7.0);
  Value gate = s.min(x[0], most);
  Value up = s.min(x[1], most);
  up = s.max(up, s.number(-7.0));
  Value slope = s.mul(gate, s.number(-1.702));
  Value gated = s.div(gate, s.add(s.number(1.0), s.exp(slope)));
  return s.mul(gated, s.add(up, s.number(1.0)));
}
