/// Makes kernels, constants and launches of the tile dialect.
#include "passes/tile/TileBuilder.h"

#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/tile/Experts.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace sinter {

StringRef stemOf(StringRef weight) {
  weight.consume_back(".weight");
  return weight;
}

TileBuilder::TileBuilder(ModuleOp module)
    : builder(module.getContext()), module(module), symbols(module),
      declarations(module.getContext()) {
  auto functions = module.getOps<func::FuncOp>();
  if (functions.empty())
    declarations.setInsertionPointToEnd(module.getBody());
  else
    declarations.setInsertionPoint(*functions.begin());
}

FlatSymbolRefAttr TileBuilder::declare(Operation *op) {
  return FlatSymbolRefAttr::get(symbols.insert(op));
}

/// What makes two bodies equal: the op and its attributes, in short, but not
/// which weight its number is from.
static Attribute bodyKey(Builder &b, Elementwise body) {
  if (!body)
    return b.getUnitAttr();
  if (numberOf(body))
    return b.getStringAttr(body->getName().getStringRef());
  return b.getArrayAttr({b.getStringAttr(body->getName().getStringRef()),
                         body->getPropertiesAsAttribute()
                             ? body->getPropertiesAsAttribute()
                             : b.getUnitAttr()});
}

FlatSymbolRefAttr TileBuilder::kernel(const Twine &name, Attribute skeleton,
                                      Elementwise body) {
  Builder b(module.getContext());
  Attribute key = b.getArrayAttr({skeleton, bodyKey(b, body)});
  FlatSymbolRefAttr &symbol = known[key];
  if (symbol)
    return symbol;
  std::string wanted = name.str(), free = wanted;
  for (unsigned n = 1; symbols.lookup(free); ++n)
    free = wanted + "_" + std::to_string(n);
  auto kernel = declarations.create<tile::KernelOp>(
      module.getLoc(), free, skeleton, tile::ConfigAttr());
  fill(kernel, body);
  return symbol = declare(kernel);
}

void TileBuilder::fill(tile::KernelOp kernel, Elementwise body) {
  if (!body)
    return;
  OpBuilder::InsertionGuard guard(builder);
  Location loc = kernel.getLoc();
  unsigned count = body->getNumOperands() + (numberOf(body) ? 1 : 0);
  Block *block = builder.createBlock(
      &kernel.getBody(), {}, SmallVector<Type>(count, builder.getF32Type()),
      SmallVector<Location>(count, loc));
  Value result = body.formula(builder, loc, block->getArguments());
  builder.create<tile::YieldOp>(loc, result);
}

/// "blk.0.attn_q.weight", "blk.0.attn_k.weight" -> "blk.0.attn_q_attn_k".
std::string TileBuilder::joinedName(ArrayRef<FlatSymbolRefAttr> sources) {
  std::string name = stemOf(sources.front().getValue()).str();
  for (FlatSymbolRefAttr source : sources.drop_front()) {
    StringRef stem = stemOf(source.getValue());
    name += "_" + stem.substr(stem.rfind('.') + 1).str();
  }
  return name;
}

static ArrayAttr arrayOf(Builder &b, ArrayRef<FlatSymbolRefAttr> symbols) {
  return b.getArrayAttr({symbols.begin(), symbols.end()});
}

FlatSymbolRefAttr TileBuilder::packed(ArrayRef<FlatSymbolRefAttr> sources,
                                      ArrayRef<FlatSymbolRefAttr> scales,
                                      bool alternating) {
  Builder b(module.getContext());
  ArrayAttr from = arrayOf(b, sources), by = arrayOf(b, scales);
  // One source in turns with itself is that source.
  bool turns = alternating && sources.size() > 1;
  FlatSymbolRefAttr &symbol =
      known[b.getArrayAttr({from, by, b.getBoolAttr(turns)})];
  if (symbol)
    return symbol;
  auto op = declarations.create<tile::PackedOp>(
      module.getLoc(), joinedName(sources) + ".packed", from, by, turns);
  return symbol = declare(op);
}

FlatSymbolRefAttr
TileBuilder::packedExperts(ArrayRef<FlatSymbolRefAttr> sources,
                           ArrayRef<int64_t> first, int64_t rows,
                           ArrayRef<FlatSymbolRefAttr> scales) {
  Builder b(module.getContext());
  ArrayAttr from = arrayOf(b, sources), by = arrayOf(b, scales);
  FlatSymbolRefAttr &symbol = known[b.getArrayAttr(
      {from, by, b.getDenseI64ArrayAttr(first), b.getI64IntegerAttr(rows)})];
  if (symbol)
    return symbol;
  std::string name = joinedName(sources) + ".experts";
  if (first.front())
    name += "_" + std::to_string(first.front());
  auto op = declarations.create<tile::PackedExpertsOp>(
      module.getLoc(), name, from, first, rows, by, sources.size() > 1);
  return symbol = declare(op);
}

FlatSymbolRefAttr TileBuilder::vector(ArrayRef<FlatSymbolRefAttr> sources) {
  Builder b(module.getContext());
  ArrayAttr from = arrayOf(b, sources);
  FlatSymbolRefAttr &symbol = known[from];
  if (symbol)
    return symbol;
  auto op = declarations.create<tile::VectorOp>(
      module.getLoc(), joinedName(sources) + ".f32", from);
  return symbol = declare(op);
}

FlatSymbolRefAttr TileBuilder::ropeTable(RopeAttr rope) {
  FlatSymbolRefAttr &symbol = known[rope];
  if (symbol)
    return symbol;
  auto op = declarations.create<tile::RopeTableOp>(module.getLoc(),
                                                   "rope_table", rope);
  return symbol = declare(op);
}

RankedTensorType TileBuilder::weightType(FlatSymbolRefAttr weight) const {
  auto op = symbols.lookup<WeightOp>(weight.getValue());
  assert(op && "the verifiers of the users look the weight up");
  return cast<RankedTensorType>(op.getType());
}

tile::RowAttr TileBuilder::row(Type rows) const {
  auto type = cast<RankedTensorType>(rows);
  unsigned width = type.getShape().back();
  if (auto q8 = dyn_cast<Q8Type>(type.getElementType()))
    return tile::RowAttr::get(rows.getContext(), width, 0, true, q8.getSums());
  return tile::RowAttr::get(rows.getContext(), width, width, false, 0);
}

tile::RowAttr TileBuilder::row(Value rows) const {
  tile::RowAttr own = row(rows.getType());
  Value whole = rows;
  while (auto columns = whole.getDefiningOp<tile::ColumnsOp>())
    whole = columns.getInput();
  if (whole == rows)
    return own;
  return tile::RowAttr::get(rows.getContext(), own.getWidth(), rowWidth(whole),
                            false, 0);
}

LaunchBuilder &LaunchBuilder::input(Value value) {
  order.push_back("i" + std::to_string(inputs.size()));
  inputs.push_back(value);
  return *this;
}

LaunchBuilder &LaunchBuilder::symbol(FlatSymbolRefAttr constant) {
  order.push_back("s" + std::to_string(constants.size()));
  constants.push_back(constant);
  return *this;
}

LaunchBuilder &LaunchBuilder::output(Type type) {
  order.push_back("o" + std::to_string(results.size()));
  results.push_back(type);
  return *this;
}

LaunchBuilder &LaunchBuilder::countsOutputs(bool does) {
  resultsCountOutputs = does;
  return *this;
}

LaunchBuilder &LaunchBuilder::writesState() {
  writes = true;
  return *this;
}

tile::LaunchOp LaunchBuilder::launch(FlatSymbolRefAttr kernel,
                                     StringRef label) {
  OpBuilder &b = tile.builder;
  SmallVector<StringRef> names(order.begin(), order.end());
  auto op = b.create<tile::LaunchOp>(
      loc, results, kernel, inputs, b.getArrayAttr(constants),
      b.getStrArrayAttr(names), b.getStringAttr(label),
      writes ? b.getUnitAttr() : UnitAttr());
  if (resultsCountOutputs)
    for (Value result : op.getResults())
      tile.setCountsOutputs(result);
  return op;
}

} // namespace sinter
