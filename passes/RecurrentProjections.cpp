/// Looks at the users of a product.
#include "passes/RecurrentProjections.h"

#include "dialects/sinter/RecurrentOps.h"

using namespace mlir;
using namespace sinter;

static bool isRecurrence(Operation *op) {
  if (auto region = dyn_cast<RegionOp>(op))
    return llvm::any_of(region.getBody().front(),
                        [](Operation &inner) { return isRecurrence(&inner); });
  return isa<GatedDeltaNetOp, SsmScanOp, ShortConvOp>(op);
}

bool sinter::feedsRecurrence(MatmulOp matmul) {
  for (Operation *user : matmul.getResult().getUsers()) {
    // The gate gets the dimension of 1 that a recurrence's result has.
    auto fold = dyn_cast<FoldOp>(user);
    if (fold && cast<RankedTensorType>(fold.getType()).getRank() == 3)
      return true;
    if (isRecurrence(user))
      return true;
    // One product may hold what several operands of the recurrence are.
    if (isa<HeadColumnsOp>(user) &&
        llvm::any_of(user->getUsers(), isRecurrence))
      return true;
  }
  return false;
}
