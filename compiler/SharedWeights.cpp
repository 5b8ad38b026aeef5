/// Compares descriptions, never bytes: weights may be larger than memory.
#include "compiler/SharedWeights.h"

#include "dialects/plan/Plan.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cassert>

using namespace mlir;

namespace sinter {

/// As passes/plan/LowerToPlan.cpp places them.
static constexpr uint64_t kAlignment = 64;

/// The attributes of `op` apart from its symbol's name, which says nothing of
/// its bytes, and those of the ops that they name.
static void describe(Operation *op, SymbolTable &symbols,
                     std::vector<const void *> &identity) {
  identity.push_back(op->getName().getAsOpaquePointer());
  std::vector<Operation *> named;
  for (NamedAttribute entry : op->getAttrs()) {
    if (entry.getName() == SymbolTable::getSymbolAttrName())
      continue;
    identity.push_back(entry.getName().getAsOpaquePointer());
    identity.push_back(entry.getValue().getAsOpaquePointer());
    entry.getValue().walk([&](FlatSymbolRefAttr symbol) {
      named.push_back(symbols.lookup(symbol.getValue()));
    });
  }
  for (Operation *source : named)
    if (source)
      describe(source, symbols, identity);
}

void SharedWeights::place(ModuleOp module) {
  SymbolTable symbols(module);
  Builder builder(module.getContext());
  const bool first = places.empty();
  for (auto weight : module.getOps<plan::WeightOp>()) {
    StringRef name =
        weight->getAttrOfType<FlatSymbolRefAttr>("plan.source").getValue();
    Operation *source = symbols.lookup(name);
    // A table's frequencies have a name behind its own.
    if (!source && name.consume_back(".frequencies"))
      source = symbols.lookup(name);
    assert(source && "the pass that placed it saw its description");
    Identity identity;
    describe(source, symbols, identity);
    auto [entry, isNew] = places.try_emplace(std::move(identity));
    Place &place = entry->second;
    if (isNew) {
      place.offset =
          first ? weight.getOffset() : llvm::alignTo(end, kAlignment);
      place.bytes = weight.getBytes();
      end = std::max(end, place.offset + place.bytes);
    } else {
      assert(place.bytes == uint64_t(weight.getBytes()) &&
             "one description, one size");
      if (!first)
        weight->setAttr(kSharedWeightAttr, builder.getUnitAttr());
    }
    if (!first)
      weight.setOffset(place.offset);
  }
}

} // namespace sinter
