/// Lowers matmuls to gemm kernels: alone, several over joined weights, or with
/// an activation as the body of the hole, gate and up in turns; and embeddings.
#include "passes/tile/LowerGroup.h"

#include "dialects/sinter/RecurrentOps.h"

using namespace mlir;

namespace sinter {

namespace {

/// Matmuls that share one input, and what they are made of.
struct Joined {
  SmallVector<MatmulOp> matmuls;
  SmallVector<FlatSymbolRefAttr> weights, scales, biases;
  Type format;
  int64_t rows = 0;
};

} // namespace

static NotLowered addMatmul(OpGroup &group, TileBuilder &tile, MatmulOp matmul,
                            Joined &joined) {
  RankedTensorType type = tile.weightType(matmul.getWeightAttr());
  if (joined.matmuls.empty())
    joined.format = type.getElementType();
  else if (type.getElementType() != joined.format)
    return "weights of different formats";
  else if (group.resolve(matmul.getInput()) !=
           group.resolve(joined.matmuls.front().getInput()))
    return "matmuls of different inputs";
  joined.matmuls.push_back(matmul);
  joined.weights.push_back(matmul.getWeightAttr());
  if (auto scale = matmul.getScaleAttr())
    joined.scales.push_back(scale);
  if (auto bias = matmul.getBiasAttr())
    joined.biases.push_back(bias);
  joined.rows += type.getDimSize(0);
  return std::nullopt;
}

static NotLowered checkJoined(const Joined &joined) {
  size_t count = joined.matmuls.size();
  if (!joined.scales.empty() && joined.scales.size() != count)
    return "only some weights have a tensor scale";
  if (!joined.biases.empty() && joined.biases.size() != count)
    return "only some matmuls have a bias";
  return std::nullopt;
}

/// The launch of one gemm kernel.
static tile::LaunchOp launchGemm(OpGroup &group, TileBuilder &tile,
                                 const Joined &joined, StringRef op,
                                 unsigned segments, Elementwise body,
                                 Type result) {
  Value input = group.resolve(MatmulOp(joined.matmuls.front()).getInput());
  bool outputs = tile.countsOutputs(input);
  StringRef format = formatOf(joined.format)->name;
  // A dimension of 1 between tokens and columns: a matrix of one row for each.
  bool slices = cast<RankedTensorType>(result).getRank() == 3;
  auto skeleton =
      tile::GemmAttr::get(result.getContext(), format, joined.rows,
                          tile.row(input), tile.row(result), segments,
                          !joined.biases.empty(), outputs, false, slices);
  auto kernel =
      tile.kernel(Twine(op) + "_" + format + "_n" + Twine(joined.rows) + "_k" +
                      Twine(rowWidth(input)) + (slices ? "_slices" : ""),
                  skeleton, body);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  launch.input(input).symbol(
      tile.packed(joined.weights, joined.scales, segments > 1));
  if (!joined.biases.empty())
    launch.symbol(tile.vector(joined.biases));
  return launch.output(result).countsOutputs(outputs).launch(kernel,
                                                             group.label());
}

Value launchMatmul(OpGroup &group, TileBuilder &tile, MatmulOp matmul,
                   StringRef label) {
  Joined joined;
  (void)addMatmul(group, tile, matmul, joined); // one is always as the first
  tile::LaunchOp launch =
      launchGemm(group, tile, joined, "matmul", 1, {}, matmul.getType());
  launch.setLabel(label);
  return launch.getResult(0);
}

/// The group's activation, if it has one.
static Elementwise activationOf(OpGroup &group) {
  for (Operation *op : group.getOps())
    if (auto found = dyn_cast<Elementwise>(op); found && found.isActivation())
      return found;
  return {};
}

/// One matmul, or gate and up in turns, with the activation in the hole;
/// perhaps quantised.
static NotLowered lowerActivated(OpGroup &group, TileBuilder &tile,
                                 Elementwise activation) {
  auto quantize = group.only<QuantizeOp>();
  unsigned segments = activation->getNumOperands();
  if (group.count<MatmulOp>() != segments ||
      group.size() != segments + (quantize ? 2u : 1u))
    return "not matmuls and their activation";
  Joined joined;
  for (Value operand : activation->getOperands()) {
    auto matmul = group.resolve(operand).getDefiningOp<MatmulOp>();
    if (!matmul || llvm::is_contained(joined.matmuls, matmul))
      return "the activation's operands are not the matmuls";
    if (NotLowered why = addMatmul(group, tile, matmul, joined))
      return why;
  }
  Value last = activation->getResult(0);
  Value result = quantize ? quantize.getResult() : last;
  if (quantize && group.resolve(quantize.getInput()) != last)
    return "quantises something else";
  if (!group.gives(result))
    return "an inner value is used outside";
  if (NotLowered why = checkJoined(joined))
    return why;
  // The bias would have to be cut into the same turns.
  if (segments > 1 && !joined.biases.empty())
    return "gate and up have biases";
  if (segments > 1 && joined.rows % 32)
    return "gate and up cannot take turns of 16 rows";
  auto launch =
      launchGemm(group, tile, joined, activation->getName().stripDialect(),
                 segments, activation, result.getType());
  group.replace(result, launch.getResult(0));
  return std::nullopt;
}

/// Users of each matmul read their columns of the joined result.
static void cutColumns(OpGroup &group, TileBuilder &tile, Joined &joined,
                       Value whole) {
  int64_t offset = 0;
  for (MatmulOp matmul : joined.matmuls) {
    auto columns = tile.builder.create<tile::ColumnsOp>(
        matmul.getLoc(), matmul.getType(), whole, offset);
    if (tile.countsOutputs(whole))
      tile.setCountsOutputs(columns);
    group.replace(matmul, columns);
    offset += rowWidth(matmul.getResult());
  }
}

/// Slices of one row each as one matmul of all rows.
static NotLowered lowerFolded(OpGroup &group, TileBuilder &tile) {
  auto fold = group.only<FoldOp>();
  auto matmul = group.only<MatmulOp>();
  if (!fold || !matmul || group.size() != 2 ||
      group.resolve(fold.getInput()) != matmul.getResult())
    return "not one product and its fold";
  if (!group.gives(fold.getResult()))
    return "an inner value is used outside";
  Joined joined;
  if (NotLowered why = addMatmul(group, tile, matmul, joined))
    return why;
  auto launch = launchGemm(group, tile, joined, "matmul", 1, {},
                           fold.getResult().getType());
  group.replace(fold, launch.getResult(0));
  return std::nullopt;
}

NotLowered lowerMatmul(OpGroup &group, TileBuilder &tile) {
  if (Elementwise activation = activationOf(group))
    return lowerActivated(group, tile, activation);
  if (group.count<FoldOp>())
    return lowerFolded(group, tile);
  auto quantize = group.only<QuantizeOp>();
  if (group.count<MatmulOp>() + (quantize ? 1 : 0) != group.size())
    return "matmuls beside other ops";
  Joined joined;
  for (Operation *op : group.getOps())
    if (auto matmul = dyn_cast<MatmulOp>(op))
      if (NotLowered why = addMatmul(group, tile, matmul, joined))
        return why;
  if (NotLowered why = checkJoined(joined))
    return why;
  MatmulOp first = joined.matmuls.front();
  if (quantize) {
    if (joined.matmuls.size() > 1 ||
        group.resolve(quantize.getInput()) != first.getResult() ||
        !group.gives(quantize.getResult()))
      return "quantises something else than the one product";
    auto launch =
        launchGemm(group, tile, joined, "matmul", 1, {}, quantize.getType());
    group.replace(quantize, launch.getResult(0));
    return std::nullopt;
  }
  Type result = first.getType();
  if (joined.matmuls.size() > 1)
    result =
        RankedTensorType::get({ShapedType::kDynamic, joined.rows},
                              cast<RankedTensorType>(result).getElementType());
  auto launch = launchGemm(group, tile, joined, "matmul", 1, {}, result);
  if (joined.matmuls.size() > 1)
    cutColumns(group, tile, joined, launch.getResult(0));
  else
    group.replace(first, launch.getResult(0));
  return std::nullopt;
}

NotLowered lowerEmbed(OpGroup &group, TileBuilder &tile) {
  auto embed = group.only<EmbedOp>();
  if (!embed || group.size() != 1)
    return "no embedding alone";
  RankedTensorType type = tile.weightType(embed.getWeightAttr());
  StringRef format = formatOf(type.getElementType())->name;
  unsigned rows = type.getDimSize(0);
  SmallVector<FlatSymbolRefAttr> scales;
  if (auto scale = embed.getScaleAttr())
    scales.push_back(scale);
  auto skeleton = tile::EmbedAttr::get(embed.getContext(), format, rows,
                                       tile.row(embed.getType()), "token");
  auto kernel = tile.kernel("embed_" + Twine(format) + "_n" + Twine(rows) +
                                "_k" + Twine(type.getDimSize(1)),
                            skeleton);
  auto launch = LaunchBuilder(tile, embed.getLoc())
                    .symbol(tile.packed(embed.getWeightAttr(), scales, false))
                    .output(embed.getType())
                    .launch(kernel, group.label());
  group.replace(embed, launch.getResult(0));
  return std::nullopt;
}

} // namespace sinter
