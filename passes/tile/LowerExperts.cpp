/// Lowers the ops of a mixture of experts: the route with the sort of its
/// assignments behind it, matrix products by expert, weighted sums; and a whole
/// mixture, whose gate and up are one product with the activation in its hole.
#include "passes/tile/LowerGroup.h"

#include "dialects/sinter/MoeOps.h"
#include "dialects/tile/Experts.h"

using namespace mlir;

namespace sinter {

namespace {

/// What a route gives, and its assignments sorted by expert.
struct Routed {
  Value ids, weights, groups, order;
};

/// Products of one input that are one launch: gate and up in turns.
struct ExpertProduct {
  SmallVector<ExpertMatmulOp> matmuls;
  Elementwise body; ///< null: none
  Type result;
};

} // namespace

static Routed launchRoute(OpGroup &group, TileBuilder &tile, RouteOp route,
                          Value logits) {
  MLIRContext *context = route.getContext();
  unsigned experts = rowWidth(logits), top = rowWidth(route.getIds());
  auto skeleton = tile::RouteAttr::get(
      context, experts, top, route.getScoring(), tile.row(logits).getStride(),
      route.getBias().has_value(), route.getNormalise(), route.getGroups(),
      route.getUsedGroups(), route.getGroupBest(), route.getScaleAttr(),
      route.getExpertScale().has_value());
  auto kernel = tile.kernel("route_" + Twine(route.getScoring()) + "_e" +
                                Twine(experts) + "_t" + Twine(top),
                            skeleton);
  LaunchBuilder launch(tile, route.getLoc());
  launch.input(logits);
  if (auto bias = route.getBiasAttr())
    launch.symbol(tile.vector(bias));
  if (auto scale = route.getExpertScaleAttr())
    launch.symbol(tile.vector(scale));
  launch.output(route.getIds().getType()).output(route.getWeights().getType());
  auto routed = launch.launch(kernel, group.label() + " route");
  auto sort = tile.kernel("group_e" + Twine(experts) + "_t" + Twine(top),
                          tile::GroupAttr::get(context, experts, top));
  auto groups = RankedTensorType::get({tile::groupsSize(experts)},
                                      IntegerType::get(context, 32));
  auto sorted = LaunchBuilder(tile, route.getLoc())
                    .input(routed.getResult(0))
                    .output(groups)
                    .output(route.getIds().getType())
                    .launch(sort, group.label() + " group");
  return {routed.getResult(0), routed.getResult(1), sorted.getResult(0),
          sorted.getResult(1)};
}

/// The assignments that were sorted for these ids: by the only launch that
/// makes two values of them.
static std::optional<Routed> routedBy(Value ids) {
  for (Operation *user : ids.getUsers())
    if (auto launch = dyn_cast<tile::LaunchOp>(user))
      if (launch.getNumResults() == 2)
        return Routed{ids, {}, launch.getResult(0), launch.getResult(1)};
  return std::nullopt;
}

static tile::GroupedGemmAttr
skeletonOf(TileBuilder &tile, const ExpertProduct &product, Value input) {
  ExpertMatmulOp first = product.matmuls.front();
  RankedTensorType weight = tile.weightType(first.getWeightAttr());
  auto type = cast<RankedTensorType>(first.getType());
  unsigned segments = product.matmuls.size(), biasRows = 0;
  DenseI64ArrayAttr biasFirst;
  if (auto bias = first.getBiasAttr()) {
    biasRows = tile.weightType(bias).getDimSize(1);
    SmallVector<int64_t> firsts;
    for (ExpertMatmulOp matmul : product.matmuls)
      firsts.push_back(matmul.getFirst());
    biasFirst = tile.builder.getDenseI64ArrayAttr(firsts);
  }
  bool slots = cast<RankedTensorType>(input.getType()).getRank() == 3;
  return tile::GroupedGemmAttr::get(
      first.getContext(), formatOf(weight.getElementType())->name,
      weight.getDimSize(0), type.getDimSize(1), type.getDimSize(2) * segments,
      tile.row(input), tile.row(product.result), slots, segments, biasRows,
      biasFirst, false);
}

static Value launchProduct(OpGroup &group, TileBuilder &tile,
                           const ExpertProduct &product, Value input,
                           const Routed &routed, StringRef label) {
  ExpertMatmulOp front = product.matmuls.front();
  tile::GroupedGemmAttr skeleton = skeletonOf(tile, product, input);
  SmallVector<FlatSymbolRefAttr> sources, scales;
  SmallVector<int64_t> first;
  for (ExpertMatmulOp matmul : product.matmuls) {
    sources.push_back(matmul.getWeightAttr());
    first.push_back(matmul.getFirst());
    if (auto scale = matmul.getScaleAttr())
      scales.push_back(scale);
  }
  StringRef op = "experts";
  if (product.body)
    op = Elementwise(product.body)->getName().stripDialect();
  auto kernel = tile.kernel(Twine(op) + (product.body ? "_experts_" : "_") +
                                skeleton.getFormat() + "_n" +
                                Twine(skeleton.getWeightRows()) + "_k" +
                                Twine(rowWidth(input)),
                            skeleton, product.body);
  LaunchBuilder launch(tile, front.getLoc());
  launch.input(input)
      .input(routed.groups)
      .input(routed.order)
      .symbol(tile.packedExperts(sources, first, rowWidth(front.getResult()),
                                 scales));
  for (ExpertMatmulOp matmul : product.matmuls)
    if (auto bias = matmul.getBiasAttr())
      launch.symbol(tile.vector(bias));
  return launch.output(product.result).launch(kernel, label).getResult(0);
}

/// Rows [T, slots, width] or, of one slot, [T, width].
static Value launchSum(TileBuilder &tile, Operation *op, Value rows,
                       Value weights, StringRef label) {
  bool sigmoid = isa<GateRowsOp>(op);
  unsigned width = rowWidth(rows), slots = rowWidth(weights);
  auto skeleton = tile::CombineAttr::get(
      op->getContext(), width, slots, tile.row(weights).getStride(), sigmoid);
  auto kernel = tile.kernel(Twine(sigmoid ? "gate_rows_n" : "combine_n") +
                                Twine(width) + "_s" + Twine(slots),
                            skeleton);
  return LaunchBuilder(tile, op->getLoc())
      .input(rows)
      .input(weights)
      .output(op->getResult(0).getType())
      .launch(kernel, label)
      .getResult(0);
}

/// A whole mixture, boxed by fuse-moe-region, which checked its shape.
static NotLowered lowerMixture(OpGroup &group, TileBuilder &tile) {
  auto combine = group.only<CombineOp>();
  auto route = group.only<RouteOp>();
  auto router = group.only<MatmulOp>();
  if (!combine || !route || !router || !group.gives(combine.getResult()))
    return "not one mixture of experts";
  auto down = group.resolve(combine.getInput()).getDefiningOp<ExpertMatmulOp>();
  Value inner = down ? group.resolve(down.getInput()) : Value();
  auto quantize = group.only<QuantizeOp>();
  Value activated = quantize ? group.resolve(quantize.getInput()) : inner;
  if (!down || (quantize && inner != quantize.getResult()))
    return "not one product behind the activation";
  ExpertProduct first{
      {}, activated.getDefiningOp<Elementwise>(), inner.getType()};
  if (!first.body)
    return "no activation between the products";
  for (Value operand : first.body->getOperands()) {
    auto matmul = group.resolve(operand).getDefiningOp<ExpertMatmulOp>();
    if (!matmul)
      return "the activation is not of expert products";
    first.matmuls.push_back(matmul);
  }
  if (group.size() != first.matmuls.size() + 5 + (quantize ? 1 : 0))
    return "ops beside the mixture's";
  std::string label = group.label();
  Routed routed = launchRoute(
      group, tile, route, launchMatmul(group, tile, router, label + " router"));
  Value input = group.resolve(first.matmuls.front().getInput());
  Value hidden =
      launchProduct(group, tile, first, input, routed, label + " gate_up");
  Value rows =
      launchProduct(group, tile, ExpertProduct{{down}, {}, down.getType()},
                    hidden, routed, label + " down");
  group.replace(
      combine.getResult(),
      launchSum(tile, combine, rows, routed.weights, label + " combine"));
  return std::nullopt;
}

NotLowered lowerExperts(OpGroup &group, TileBuilder &tile) {
  if (group.size() != 1)
    return lowerMixture(group, tile);
  Operation *op = group.getOps().front();
  if (auto route = dyn_cast<RouteOp>(op)) {
    Routed routed =
        launchRoute(group, tile, route, group.resolve(route.getLogits()));
    group.replace(route.getIds(), routed.ids);
    group.replace(route.getWeights(), routed.weights);
    return std::nullopt;
  }
  Value rows = group.resolve(op->getOperand(0));
  if (auto matmul = dyn_cast<ExpertMatmulOp>(op)) {
    std::optional<Routed> routed = routedBy(group.resolve(matmul.getIds()));
    if (!routed)
      return "ids that no route gives";
    ExpertProduct product{{matmul}, {}, matmul.getType()};
    group.replace(matmul.getResult(), launchProduct(group, tile, product, rows,
                                                    *routed, group.label()));
    return std::nullopt;
  }
  if (tile.row(rows).getStride() != rowWidth(rows))
    return "rows that are columns of wider ones";
  group.replace(op->getResult(0),
                launchSum(tile, op, rows, group.resolve(op->getOperand(1)),
                          group.label()));
  return std::nullopt;
}

} // namespace sinter
