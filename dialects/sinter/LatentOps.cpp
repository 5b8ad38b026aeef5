/// Verifiers of the ops of multi-head latent attention: each says which op,
/// operand and shapes disagree.
#include "dialects/sinter/LatentOps.h"

#include "dialects/sinter/Operands.h"

using namespace mlir;
using namespace sinter;

#define GET_OP_CLASSES
#include "dialects/sinter/LatentOps.cpp.inc"

void sinter::registerLatentOps(SinterDialect &dialect) {
  dialect.addGroup<
#define GET_OP_LIST
#include "dialects/sinter/LatentOps.cpp.inc"
      >();
}

LogicalResult HeadMatmulOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto type = weightType(*this, getWeightAttr(), tables);
  if (failed(type))
    return failure();
  if (type->getRank() != 3 ||
      rowWidth(getInput()) != type->getDimSize(0) * type->getDimSize(2) ||
      rowWidth(getResult()) != type->getDimSize(0) * type->getDimSize(1))
    return emitOpError("multiplies ") << getInput().getType() << " by " << *type
                                      << " into " << getResult().getType();
  return success();
}

/// A cache of one row for each token, which has nothing but keys.
static bool isLatent(KvCacheType cache) {
  return cache.getHeads() == 1 && cache.getValues() == 0;
}

LogicalResult LatentWriteOp::verify() {
  KvCacheType cache = getCache().getType();
  if (!isLatent(cache) ||
      rowWidth(getLatent()) + rowWidth(getRotated()) != cache.getKeys())
    return emitOpError("writes rows of ")
           << rowWidth(getLatent()) << " and " << rowWidth(getRotated())
           << " into " << cache;
  return success();
}

LogicalResult LatentAttentionOp::verify() {
  KvCacheType cache = getCache().getType();
  int64_t heads = getHeads(), latent = rowWidth(getLatent());
  int64_t rotated = rowWidth(getRotated());
  if (heads < 1 || latent % heads || rotated % heads || !isLatent(cache) ||
      (latent + rotated) / heads != cache.getKeys() ||
      rowWidth(getResult()) != latent)
    return emitOpError("of ")
           << heads << " heads takes " << getLatent().getType() << " and "
           << getRotated().getType() << " and gives " << getResult().getType()
           << " over " << cache;
  return success();
}

int64_t JoinHeadsOp::secondWidth() {
  return (rowWidth(getResult()) - rowWidth(getFirst())) / int64_t(getHeads());
}

LogicalResult JoinHeadsOp::verify() {
  int64_t heads = getHeads(), first = rowWidth(getFirst());
  int64_t second = rowWidth(getSecond()), both = rowWidth(getResult());
  if (heads < 1 || first % heads || both % heads || both <= first ||
      (second != both - first && second != secondWidth()))
    return emitOpError("joins ") << first << " and " << second << " columns of "
                                 << heads << " heads into " << both;
  return success();
}
