/// The driver of all fusions: finds candidates, wraps what a matcher chose,
/// counts and keeps refusals.
#include "passes/FusionPass.h"

#include "passes/OpLabel.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace sinter;

void Tally::add(StringRef reason, Operation *where) {
  for (Entry &entry : entries)
    if (entry.reason == reason) {
      ++entry.count;
      return;
    }
  entries.push_back({reason.str(), labelOf(where), 1});
}

ArrayAttr Tally::asAttribute(MLIRContext *context) const {
  SmallVector<Attribute> lines;
  for (const Entry &entry : entries)
    lines.push_back(StringAttr::get(
        context, Twine(entry.reason) + " x" + Twine(entry.count) +
                     " (first at " + entry.first + ")"));
  return ArrayAttr::get(context, lines);
}

std::nullopt_t Site::refuse(const Twine &reason) {
  std::string text = reason.str();
  tally.add(text, candidate);
  if (remarks)
    candidate->emitRemark("refused: ") << text;
  return std::nullopt;
}

RankedTensorType Site::weight(FlatSymbolRefAttr symbol) const {
  return cast<RankedTensorType>(
      symbols.lookup<WeightOp>(symbol.getValue()).getType());
}

RegionOp sinter::regionOf(Value value, StringRef kind) {
  auto region = value.getDefiningOp<RegionOp>();
  return region && region.getKind() == kind ? region : RegionOp();
}

/// Ops between the box's first and last that use its values: they must follow
/// the box. Refuses if a member needs one of them, or if a state may be
/// touched in between, because then the members cannot stand side by side.
static std::optional<SmallVector<Operation *>> followers(const Box &box,
                                                         Site &site) {
  SetVector<Operation *> members(box.ops.begin(), box.ops.end());
  SetVector<Operation *> after;
  for (Operation *op = box.ops.front(); op != box.ops.back();
       op = op->getNextNode()) {
    bool depends = llvm::any_of(op->getOperands(), [&](Value operand) {
      Operation *def = operand.getDefiningOp();
      return def && (after.contains(def) ||
                     (members.contains(def) && !members.contains(op)));
    });
    if (members.contains(op)) {
      if (depends)
        return site.refuse("an op in between needs one member and gives "
                           "another its input");
      continue;
    }
    if (!isMemoryEffectFree(op))
      return site.refuse("a state is used in between");
    if (depends)
      after.insert(op);
  }
  for (Value operand : box.ops.back()->getOperands())
    if (Operation *def = operand.getDefiningOp(); def && after.contains(def))
      return site.refuse("an op in between needs one member and gives another "
                         "its input");
  return after.takeVector();
}

/// Values from outside that the members read; those of `box.inputs` lead.
static SmallVector<Value> inputsOf(const Box &box) {
  SetVector<Operation *> members(box.ops.begin(), box.ops.end());
  SetVector<Value> used;
  for (Operation *op : box.ops)
    for (Value operand : op->getOperands())
      if (!members.contains(operand.getDefiningOp()))
        used.insert(operand);
  SetVector<Value> ordered;
  for (Value value : box.inputs)
    if (used.contains(value))
      ordered.insert(value);
  ordered.insert(used.begin(), used.end());
  return ordered.takeVector();
}

/// Values of the members that are read outside, in program order.
static SmallVector<Value> resultsOf(const Box &box) {
  SetVector<Operation *> members(box.ops.begin(), box.ops.end());
  SmallVector<Value> results;
  for (Operation *op : box.ops)
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) {
            return !members.contains(user);
          }))
        results.push_back(result);
  return results;
}

/// Moves the members into a new region at the place of the last of them.
static RegionOp wrap(const Box &box, StringRef kind,
                     ArrayRef<Operation *> after) {
  SmallVector<Value> inputs = inputsOf(box), results = resultsOf(box);
  OpBuilder builder(box.ops.back());
  auto region = builder.create<RegionOp>(box.main->getLoc(),
                                         TypeRange(ValueRange(results)),
                                         builder.getStringAttr(kind), inputs);
  Block *body = builder.createBlock(
      &region.getBody(), {}, ValueRange(inputs).getTypes(),
      SmallVector<Location>(inputs.size(), region.getLoc()));
  for (Operation *op : box.ops)
    op->moveBefore(body, body->end());
  builder.setInsertionPointToEnd(body);
  auto yield = builder.create<YieldOp>(region.getLoc(), results);
  for (auto [input, argument] : llvm::zip(inputs, body->getArguments()))
    input.replaceUsesWithIf(argument, [&](OpOperand &use) {
      return use.getOwner()->getBlock() == body;
    });
  for (auto [result, outer] : llvm::zip(results, region.getResults()))
    result.replaceUsesWithIf(outer, [&](OpOperand &use) {
      return use.getOwner() != yield && use.getOwner()->getBlock() != body;
    });
  Operation *place = region;
  for (Operation *op : after) {
    op->moveAfter(place);
    place = op;
  }
  return region;
}

/// Adds `value` under `stem` to a dictionary attribute of the function.
static void setEntry(func::FuncOp step, StringRef dictionary, StringRef stem,
                     Attribute value) {
  auto old = step->getAttrOfType<DictionaryAttr>(dictionary);
  NamedAttrList entries(old);
  entries.set(stem, value);
  step->setAttr(dictionary, entries.getDictionary(step.getContext()));
}

/// Records a run; only the first one leaves its refusals, because a later one
/// meets candidates among what the first left over.
static void record(func::FuncOp step, const Fusion &fusion, int64_t count,
                   const Tally &tally) {
  auto counts = step->getAttrOfType<DictionaryAttr>(kFusedAttr);
  auto before = counts ? counts.getAs<IntegerAttr>(fusion.stem) : IntegerAttr();
  Builder builder(step.getContext());
  setEntry(step, kFusedAttr, fusion.stem,
           builder.getI64IntegerAttr(count + (before ? before.getInt() : 0)));
  ArrayAttr reasons = tally.asAttribute(step.getContext());
  if (!before && !reasons.empty())
    setEntry(step, kRefusedAttr, fusion.stem, reasons);
}

void sinter::fuseAll(ModuleOp module, const Fusion &fusion,
                     function_ref<bool(Operation *)> isCandidate, bool remarks,
                     Matcher match) {
  SymbolTable symbols(module);
  for (auto step : module.getOps<func::FuncOp>()) {
    if (step.isExternal())
      continue;
    Block &block = step.getBody().front();
    SmallVector<Operation *> candidates;
    for (Operation &op : block)
      if (isCandidate(&op))
        candidates.push_back(&op);
    Tally tally;
    int64_t count = 0;
    for (Operation *op : candidates) {
      if (op->getBlock() != &block) // inside a box drawn meanwhile
        continue;
      Site site(op, symbols, tally, remarks);
      std::optional<Box> box = match(op, site);
      if (!box)
        continue;
      auto after = followers(*box, site);
      if (!after)
        continue;
      RegionOp region = wrap(*box, fusion.kind, *after);
      if (remarks)
        region.emitRemark("fused");
      ++count;
    }
    record(step, fusion, count, tally);
  }
}
