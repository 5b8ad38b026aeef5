/// Turns each regime's function into a flat launch list.
///
///   func.func @decode {sinter.max_tokens = 8} {
///     %n = tile.launch @k (%x) [@w.f32] order ["i0", "s0", "o0"] ...
///   ==>
///   plan.weight @w.f32 at 0 bytes 4096
///   plan.regime max_tokens 8 arena 65664 {
///     plan.launch @k operands [#plan.operand<"arena">, ...] ...
///
/// The plan is right as it stands, only wasteful: every value has a buffer of
/// its own (their sizes are the regime's `plan.buffers`), every launch waits
/// for the one before it. What a launch writes is in its `plan.writes`, what
/// falls into shares (passes/plan/HeadShares.h) in its `plan.areas`, for
/// sinter-plan-memory. Weights lie in the order of first use.
/// Refuses: packed weights without `bytes`, which the compiler puts there.
/// Test: test/passes/lower-to-plan.mlir

#include "dialects/plan/Plan.h"
#include "dialects/tile/Experts.h"
#include "passes/plan/HeadShares.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_LOWERTOPLAN
#include "passes/Passes.h.inc"

/// Kernels may read a vector beyond the last element of a buffer.
static constexpr uint64_t kSlack = 64;

/// With more cores, the lines that all of them write go round for longer than a
/// barrier takes (measured with two; four is cautious).
static constexpr unsigned kReplicatedCores = 4;

static uint64_t alignUp(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

static uint64_t bufferBytes(Type rows, uint64_t maxTokens) {
  auto type = cast<RankedTensorType>(rows);
  if (!type.isDynamicDim(0)) // does not grow with the step
    return alignUp(type.getNumElements() * 4) + kSlack;
  uint64_t row = rowBytesOf(type);
  for (int64_t slots : type.getShape().drop_front().drop_back())
    row *= slots;
  return alignUp(row * maxTokens) + kSlack;
}

namespace {

/// Declarations of weights, states and rope tables, on first use.
class Declarations {
public:
  explicit Declarations(ModuleOp module)
      : module(module), symbols(module), builder(module.getContext()) {
    builder.setInsertionPointToStart(module.getBody());
  }

  tile::KernelOp kernel(StringRef name) const {
    return symbols.lookup<tile::KernelOp>(name);
  }
  FailureOr<plan::OperandAttr> constant(tile::LaunchOp launch,
                                        FlatSymbolRefAttr symbol);
  plan::OperandAttr state(func::FuncOp function, BlockArgument state);
  uint64_t weightBytes(plan::OperandAttr weight) const {
    auto op = symbols.lookup<plan::WeightOp>(weight.getSymbol().getValue());
    return op.getBytes();
  }

private:
  plan::OperandAttr weight(FlatSymbolRefAttr symbol, uint64_t bytes);
  plan::OperandAttr rope(tile::RopeTableOp table);
  FlatSymbolRefAttr declare(FlatSymbolRefAttr source, Operation *op);

  ModuleOp module;
  SymbolTable symbols;
  OpBuilder builder;
  uint64_t weightEnd = 0;
  llvm::DenseMap<Attribute, plan::OperandAttr> known;
};

} // namespace

/// Plan symbols stand beside the tile symbols that they place.
static std::string planName(FlatSymbolRefAttr symbol) {
  return ("plan." + symbol.getValue()).str();
}

plan::OperandAttr Declarations::weight(FlatSymbolRefAttr symbol,
                                       uint64_t bytes) {
  plan::OperandAttr &operand = known[symbol];
  if (operand)
    return operand;
  auto op = builder.create<plan::WeightOp>(module.getLoc(), planName(symbol),
                                           weightEnd, bytes);
  op->setAttr("plan.source", symbol);
  weightEnd = alignUp(weightEnd + bytes);
  symbols.insert(op);
  return operand = plan::OperandAttr::get(
             module.getContext(), "weight",
             FlatSymbolRefAttr::get(op.getSymNameAttr()), 0);
}

plan::OperandAttr Declarations::rope(tile::RopeTableOp table) {
  auto symbol = FlatSymbolRefAttr::get(table.getSymNameAttr());
  if (plan::OperandAttr operand = known.lookup(symbol))
    return operand;
  RopeAttr rope = table.getRope();
  uint64_t pairs = rope.getWidth() / 2;
  auto frequencies = FlatSymbolRefAttr::get(
      builder.getStringAttr(table.getSymName() + ".frequencies"));
  uint64_t sets = rope.getLongFactors() ? 2 : 1;
  plan::OperandAttr place = weight(frequencies, sets * pairs * 4);
  // YaRN's attention factor scales the angles' sines and cosines.
  double magnitude = rope.getYarn() ? rope.getYarn()[3] : 1.0;
  auto op = builder.create<plan::RopeTableOp>(
      module.getLoc(), planName(symbol), place.getSymbol().getValue(), pairs,
      llvm::APFloat(magnitude), rope.getTemperature(),
      rope.getLongFactors() ? rope.getLongFrom() : 0);
  op->setAttr("plan.source", symbol);
  symbols.insert(op);
  return known[symbol] = plan::OperandAttr::get(
             module.getContext(), "rope",
             FlatSymbolRefAttr::get(op.getSymNameAttr()), 0);
}

/// Float32 values of the sources of a vector.
static uint64_t vectorBytes(SymbolTable &symbols, tile::VectorOp vector) {
  uint64_t elements = 0;
  for (auto source : vector.getSources().getAsRange<FlatSymbolRefAttr>())
    if (auto weight = symbols.lookup<WeightOp>(source.getValue()))
      elements += cast<ShapedType>(weight.getType()).getNumElements();
  return elements * 4;
}

FailureOr<plan::OperandAttr> Declarations::constant(tile::LaunchOp launch,
                                                    FlatSymbolRefAttr symbol) {
  Operation *op = symbols.lookup(symbol.getValue());
  if (auto vector = dyn_cast_or_null<tile::VectorOp>(op))
    return weight(symbol, vectorBytes(symbols, vector));
  if (auto table = dyn_cast_or_null<tile::RopeTableOp>(op))
    return rope(table);
  if (isa_and_nonnull<tile::PackedOp, tile::PackedExpertsOp>(op)) {
    auto bytes = op->getAttrOfType<IntegerAttr>("bytes");
    if (!bytes)
      return op->emitOpError("has no 'bytes'; choose the weight layout "
                             "before lowering to plan");
    return weight(symbol, bytes.getInt());
  }
  return launch.emitOpError("reads ") << symbol << ", which is no constant";
}

/// Bytes of one page, or of a sequence's slot.
static uint64_t stateBytes(Type state) {
  if (auto recurrent = dyn_cast<RecurrentType>(state))
    return recurrent.elements() * 4;
  auto type = cast<KvCacheType>(state);
  return cacheBytes(type.getElement(),
                    uint64_t(type.getKeys() + type.getValues()) *
                        type.getHeads() * kPageTokens);
}

plan::OperandAttr Declarations::state(func::FuncOp function,
                                      BlockArgument argument) {
  unsigned index = argument.getArgNumber();
  auto name = function.getArgAttrOfType<StringAttr>(index, "sinter.name");
  auto symbol = FlatSymbolRefAttr::get(
      name ? name : builder.getStringAttr("state" + Twine(index)));
  plan::OperandAttr &operand = known[symbol];
  if (operand)
    return operand;
  auto op = builder.create<plan::StateOp>(module.getLoc(), planName(symbol),
                                          argument.getType(),
                                          stateBytes(argument.getType()));
  op->setAttr("plan.source", symbol);
  symbols.insert(op);
  return operand = plan::OperandAttr::get(
             module.getContext(), "state",
             FlatSymbolRefAttr::get(op.getSymNameAttr()), 0);
}

namespace {

/// Writes the launch list of one function.
class RegimeWriter {
public:
  RegimeWriter(func::FuncOp function, Declarations &declarations)
      : function(function), declarations(declarations),
        builder(function.getContext()), shares(function) {}

  LogicalResult write();

private:
  FailureOr<plan::OperandAttr> place(Value value);
  FailureOr<plan::OperandAttr> operand(tile::LaunchOp launch, StringRef name);
  LogicalResult writeLaunch(tile::LaunchOp launch);

  func::FuncOp function;
  Declarations &declarations;
  OpBuilder builder;
  HeadShares shares;
  uint64_t maxTokens = 0, arenaBytes = 0;
  Value logits;
  llvm::DenseMap<Value, plan::OperandAttr> places;
  SmallVector<int64_t> buffers;
};

struct LowerToPlan : impl::LowerToPlanBase<LowerToPlan> {
  void runOnOperation() override {
    Declarations declarations(getOperation());
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (!function->hasAttr("sinter.max_tokens"))
        continue;
      if (failed(RegimeWriter(function, declarations).write()))
        return signalPassFailure();
      function.erase();
    }
  }
};

} // namespace

LogicalResult RegimeWriter::write() {
  auto most = function->getAttrOfType<IntegerAttr>("sinter.max_tokens");
  maxTokens = most.getInt();
  Block &body = function.getBody().front();
  Operation *end = body.getTerminator();
  if (end->getNumOperands() != 1 ||
      !end->getOperand(0).getDefiningOp<tile::LaunchOp>())
    return function.emitOpError("must return the logits of one launch");
  logits = end->getOperand(0);
  builder.setInsertionPoint(function);
  auto regime = builder.create<plan::RegimeOp>(function.getLoc(), maxTokens, 0);
  builder.setInsertionPointToStart(&regime.getBody().emplaceBlock());
  for (Operation &op : body.without_terminator()) {
    if (auto launch = dyn_cast<tile::LaunchOp>(op)) {
      if (failed(writeLaunch(launch)))
        return failure();
    } else if (!isa<tile::ColumnsOp>(op)) {
      return op.emitOpError("is no launch; lower to tile first");
    }
  }
  regime.setArenaBytes(arenaBytes);
  regime->setAttr("plan.buffers", builder.getDenseI64ArrayAttr(buffers));
  return success();
}

/// Where a value lies; a result gets the next buffer.
FailureOr<plan::OperandAttr> RegimeWriter::place(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (!isa<KvCacheType, RecurrentType>(argument.getType()))
      return function.emitOpError("passes argument ")
             << argument.getArgNumber() << " to a kernel; only states are";
    return declarations.state(function, argument);
  }
  if (auto known = places.lookup(value))
    return known;
  MLIRContext *context = value.getContext();
  plan::OperandAttr result;
  if (auto columns = value.getDefiningOp<tile::ColumnsOp>()) {
    auto whole = place(columns.getInput());
    if (failed(whole))
      return failure();
    result =
        plan::OperandAttr::get(context, whole->getKind(), whole->getSymbol(),
                               whole->getOffset() + columns.getOffset() * 4);
  } else if (value == logits) {
    result = plan::OperandAttr::get(context, "logits", FlatSymbolRefAttr(), 0);
  } else {
    result = plan::OperandAttr::get(context, "arena", FlatSymbolRefAttr(),
                                    arenaBytes);
    buffers.push_back(bufferBytes(value.getType(), maxTokens));
    arenaBytes += buffers.back();
  }
  return places[value] = result;
}

FailureOr<plan::OperandAttr> RegimeWriter::operand(tile::LaunchOp launch,
                                                   StringRef name) {
  unsigned index = 0;
  name.drop_front().getAsInteger(10, index);
  if (name[0] == 's')
    return declarations.constant(
        launch, cast<FlatSymbolRefAttr>(launch.getSymbols()[index]));
  return place(name[0] == 'i' ? launch.getInputs()[index]
                              : launch.getResults()[index]);
}

/// Null for kernels whose work is neither weights nor products.
static plan::WorkAttr workOf(tile::Skeleton skeleton, uint64_t weightBytes) {
  tile::Products products = skeleton.products();
  if (!products.perRow && !products.perRowAndToken && !products.stateBytes &&
      !products.copiedBytes)
    return {};
  return plan::WorkAttr::get(
      skeleton.getContext(), weightBytes, products.perRow,
      products.perRowAndToken, products.outputs, products.stateBytes,
      products.copiedBytes, products.experts, products.top);
}

LogicalResult RegimeWriter::writeLaunch(tile::LaunchOp launch) {
  tile::KernelOp kernel = declarations.kernel(launch.getKernel());
  if (!kernel.getConfig())
    return launch.emitOpError("calls ")
           << launch.getKernelAttr() << ", which has no tile";
  SmallVector<Attribute> operands;
  SmallVector<int32_t> writes;
  uint64_t weightBytes = 0;
  for (auto name : launch.getOrder().getAsValueRange<StringAttr>()) {
    auto where = operand(launch, name);
    if (failed(where))
      return failure();
    if (name[0] == 'o' ||
        (launch.getWritesState() && where->getKind() == "state"))
      writes.push_back(operands.size());
    if (where->getKind() == "weight")
      weightBytes += declarations.weightBytes(*where);
    operands.push_back(*where);
  }
  auto skeleton = cast<tile::Skeleton>(kernel.getSkeleton());
  tile::ItemShape shape = skeleton.itemShape(kernel.getConfig()->tiling());
  auto target =
      function->getParentOfType<ModuleOp>()->getAttrOfType<TargetAttr>(
          "sinter.target");
  bool replicated =
      shape.replicated && (!target || target.getCores() <= kReplicatedCores);
  plan::WorkAttr work = workOf(skeleton, weightBytes);
  auto op = builder.create<plan::LaunchOp>(
      launch.getLoc(), launch.getKernelAttr(), builder.getArrayAttr(operands),
      builder.getStringAttr(shape.items),
      builder.getI64IntegerAttr(shape.count),
      builder.getI64IntegerAttr(shape.tile), shares.of(launch),
      replicated ? builder.getUnitAttr() : UnitAttr(), builder.getUnitAttr(),
      UnitAttr(), UnitAttr(), launch.getLabelAttr(), work);
  op->setAttr("plan.writes", builder.getDenseI32ArrayAttr(writes));
  if (op.getSharesAttr())
    op->setAttr(kAreasAttr, shares.areasOf(launch));
  return success();
}

} // namespace sinter
