/// Inlining keeps the ops themselves, so their locations and order survive.
#include "passes/InlineRegion.h"

using namespace mlir;

void sinter::inlineRegion(RegionOp region) {
  Block &body = region.getBody().front();
  for (auto [argument, input] :
       llvm::zip(body.getArguments(), region.getInputs()))
    argument.replaceAllUsesWith(input);
  Operation *yield = body.getTerminator();
  region.getResults().replaceAllUsesWith(yield->getOperands());
  yield->erase();
  region->getBlock()->getOperations().splice(Block::iterator(region),
                                             body.getOperations());
  region.erase();
}
