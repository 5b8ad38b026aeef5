/// Lowers matmuls to gemm kernels: alone, several over joined weights, or gate
/// and up in turns with SwiGLU as the body of the hole; and embeddings.
#include "passes/tile/LowerGroup.h"

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
                                 unsigned segments, KernelBody body,
                                 Type result) {
  Value input = group.resolve(MatmulOp(joined.matmuls.front()).getInput());
  bool outputs = tile.countsOutputs(input);
  StringRef format = formatOf(joined.format)->name;
  auto skeleton = tile::GemmAttr::get(
      result.getContext(), format, joined.rows, tile.row(input),
      tile.row(result), segments, !joined.biases.empty(), outputs, false);
  auto kernel =
      tile.kernel(Twine(op) + "_" + format + "_n" + Twine(joined.rows) + "_k" +
                      Twine(rowWidth(input)),
                  skeleton, body);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  launch.input(input).symbol(
      tile.packed(joined.weights, joined.scales, segments > 1));
  if (!joined.biases.empty())
    launch.symbol(tile.vector(joined.biases));
  return launch.output(result).countsOutputs(outputs).launch(kernel,
                                                             group.label());
}

/// gate and up in turns, silu(gate) * up in the hole, perhaps quantised.
static NotLowered lowerSwiglu(OpGroup &group, TileBuilder &tile) {
  auto swiglu = group.only<SwigluOp>();
  auto quantize = group.only<QuantizeOp>();
  if (group.count<MatmulOp>() != 2 || group.size() != (quantize ? 4u : 3u))
    return "not two matmuls and a swiglu";
  auto gate = group.resolve(swiglu.getGate()).getDefiningOp<MatmulOp>();
  auto up = group.resolve(swiglu.getUp()).getDefiningOp<MatmulOp>();
  if (!gate || !up || gate == up)
    return "gate and up are not the two matmuls";
  Value result = quantize ? quantize.getResult() : swiglu.getResult();
  if (quantize && group.resolve(quantize.getInput()) != swiglu.getResult())
    return "quantises something else";
  if (!group.gives(result))
    return "an inner value is used outside";
  Joined joined;
  for (MatmulOp matmul : {gate, up})
    if (NotLowered why = addMatmul(group, tile, matmul, joined))
      return why;
  if (NotLowered why = checkJoined(joined))
    return why;
  // The bias would have to be cut into the same turns.
  if (!joined.biases.empty())
    return "gate and up have biases";
  if (joined.rows % 32)
    return "gate and up cannot take turns of 16 rows";
  auto launch = launchGemm(group, tile, joined, "swiglu", 2, KernelBody::Swiglu,
                           result.getType());
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

NotLowered lowerMatmul(OpGroup &group, TileBuilder &tile) {
  if (group.count<MatmulOp>() == 0)
    return "no matmul";
  if (group.count<SwigluOp>())
    return lowerSwiglu(group, tile);
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
    auto launch = launchGemm(group, tile, joined, "matmul", 1, KernelBody::None,
                             quantize.getType());
    group.replace(quantize, launch.getResult(0));
    return std::nullopt;
  }
  Type result = first.getType();
  if (joined.matmuls.size() > 1)
    result =
        RankedTensorType::get({ShapedType::kDynamic, joined.rows},
                              cast<RankedTensorType>(result).getElementType());
  auto launch =
      launchGemm(group, tile, joined, "matmul", 1, KernelBody::None, result);
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
                                       tile.row(embed.getType()));
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
