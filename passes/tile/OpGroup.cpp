/// Looks through the boxes of fusions.
#include "passes/tile/OpGroup.h"

#include "passes/OpLabel.h"

using namespace mlir;

namespace sinter {

OpGroup::OpGroup(Operation *root) : root(root) {
  if (auto region = dyn_cast<RegionOp>(root))
    collect(region.getBody().front());
  else
    ops.push_back(root);
}

void OpGroup::collect(Block &body) {
  for (Operation &op : body.without_terminator()) {
    if (auto inner = dyn_cast<RegionOp>(op))
      collect(inner.getBody().front());
    else
      ops.push_back(&op);
  }
}

Value OpGroup::resolve(Value value) const {
  while (true) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      Operation *owner = argument.getOwner()->getParentOp();
      if (!isa<RegionOp>(owner) || !root->isAncestor(owner))
        return value;
      value = cast<RegionOp>(owner).getInputs()[argument.getArgNumber()];
      continue;
    }
    auto result = cast<OpResult>(value);
    auto region = dyn_cast<RegionOp>(result.getOwner());
    if (!region || !root->isAncestor(region))
      return value;
    value = region.getBody().front().getTerminator()->getOperand(
        result.getResultNumber());
  }
}

bool OpGroup::gives(ArrayRef<Value> values) const {
  for (OpResult result : root->getResults())
    if (!result.use_empty() && !llvm::is_contained(values, resolve(result)))
      return false;
  return true;
}

void OpGroup::replace(Value value, Value with) {
  for (OpResult result : root->getResults())
    if (resolve(result) == value)
      result.replaceAllUsesWith(with);
}

std::string OpGroup::label() const {
  std::string place = labelOf(root);
  if (place == root->getName().getStringRef() && !ops.empty())
    place = labelOf(ops.front());
  StringRef kind = root->getName().stripDialect();
  if (auto region = dyn_cast<RegionOp>(root))
    kind = region.getKind();
  StringRef stem = place;
  stem.consume_back(".weight");
  stem.consume_front("sinter.");
  return stem == kind ? kind.str() : (stem + " " + kind).str();
}

} // namespace sinter
