/// Lowers multi-head latent attention: products head by head, the write of
/// latent rows, attention over them, and heads of two parts.
#include "passes/tile/LowerGroup.h"

#include "dialects/sinter/LatentOps.h"
#include "dialects/tile/CachePages.h"
#include "dialects/tile/Latent.h"

#include <numeric>

using namespace mlir;

namespace sinter {

/// Heads of one item: they share each load of a row, and 8 of them fill the
/// registers; more items keep more threads at work.
static constexpr unsigned kSharingHeads = 8;

/// What leaves a group of `op` and perhaps a quantisation of its result.
static NotLowered resultOf(OpGroup &group, Operation *op, Value &result) {
  auto quantize = group.only<QuantizeOp>();
  if (group.size() != (quantize ? 2u : 1u))
    return "not one op, perhaps with a quantisation";
  result = op->getResult(0);
  if (quantize) {
    if (group.resolve(quantize.getInput()) != result)
      return "the quantisation is not of the result";
    result = quantize.getResult();
  }
  if (!group.gives(result))
    return "an inner value is used outside";
  return std::nullopt;
}

static NotLowered lowerHeadMatmul(OpGroup &group, TileBuilder &tile,
                                  HeadMatmulOp matmul) {
  Value result;
  if (NotLowered why = resultOf(group, matmul, result))
    return why;
  Value input = group.resolve(matmul.getInput());
  RankedTensorType weight = tile.weightType(matmul.getWeightAttr());
  unsigned heads = weight.getDimSize(0), rows = weight.getDimSize(1);
  StringRef format = formatOf(weight.getElementType())->name;
  auto skeleton = tile::HeadGemmAttr::get(
      matmul.getContext(), format, heads, rows, tile.row(input),
      tile.row(result.getType()), /*decode=*/false);
  auto kernel =
      tile.kernel("head_matmul_" + Twine(format) + "_h" + Twine(heads) + "_n" +
                      Twine(rows) + "_k" + Twine(weight.getDimSize(2)),
                  skeleton);
  auto op = LaunchBuilder(tile, group.getRoot()->getLoc())
                .input(input)
                .symbol(tile.packedExperts(matmul.getWeightAttr(), {0}, rows,
                                           /*scales=*/{}))
                .output(result.getType())
                .launch(kernel, group.label());
  group.replace(result, op.getResult(0));
  return std::nullopt;
}

static NotLowered lowerLatentWrite(OpGroup &group, TileBuilder &tile,
                                   LatentWriteOp write) {
  if (group.size() != 1)
    return "a latent write beside other ops";
  Value latent = group.resolve(write.getLatent());
  Value rotated = group.resolve(write.getRotated());
  unsigned rank = rowWidth(latent), rotary = rowWidth(rotated);
  auto skeleton = tile::LatentWriteAttr::get(
      write.getContext(), rank, rotary, tile.row(latent).getStride(),
      tile.row(rotated).getStride(),
      write.getCache().getType().getElement().isF16(), kPageTokens);
  auto kernel = tile.kernel(
      "latent_write_k" + Twine(rank) + "_" + Twine(rotary), skeleton);
  LaunchBuilder(tile, group.getRoot()->getLoc())
      .input(latent)
      .input(rotated)
      .input(group.resolve(write.getCache()))
      .writesState()
      .launch(kernel, group.label());
  return std::nullopt;
}

static NotLowered lowerLatentAttention(OpGroup &group, TileBuilder &tile,
                                       LatentAttentionOp attention) {
  Value result;
  if (NotLowered why = resultOf(group, attention, result))
    return why;
  Value latent = group.resolve(attention.getLatent());
  Value rotated = group.resolve(attention.getRotated());
  unsigned heads = attention.getHeads();
  unsigned rank = rowWidth(latent) / heads, rotary = rowWidth(rotated) / heads;
  auto skeleton = tile::LatentAttentionAttr::get(
      attention.getContext(), heads, std::gcd(heads, kSharingHeads), rank,
      rotary, attention.getScaleAttr(), tile.row(latent).getStride(),
      tile.row(rotated).getStride(), tile.row(result.getType()),
      attention.getCache().getType().getElement().isF16(), kPageTokens);
  auto kernel =
      tile.kernel(Twine("latent_attention") +
                      (skeleton.getOutput().getQ8() ? "_q8" : "_f32") + "_h" +
                      Twine(heads) + "_k" + Twine(rank) + "_" + Twine(rotary),
                  skeleton);
  auto op = LaunchBuilder(tile, group.getRoot()->getLoc())
                .input(latent)
                .input(rotated)
                .input(group.resolve(attention.getCache()))
                .output(result.getType())
                .launch(kernel, group.label());
  group.replace(result, op.getResult(0));
  return std::nullopt;
}

static NotLowered lowerJoinHeads(OpGroup &group, TileBuilder &tile,
                                 JoinHeadsOp join) {
  if (group.size() != 1)
    return "a join beside other ops";
  Value first = group.resolve(join.getFirst());
  Value second = group.resolve(join.getSecond());
  unsigned heads = join.getHeads(), width = join.secondWidth();
  auto skeleton = tile::JoinHeadsAttr::get(
      join.getContext(), heads, rowWidth(first) / heads, width,
      tile.row(first).getStride(), tile.row(second).getStride(),
      heads > 1 && rowWidth(second) == width);
  auto kernel =
      tile.kernel("join_heads_h" + Twine(heads) + "_n" +
                      Twine(rowWidth(first) / heads) + "_" + Twine(width),
                  skeleton);
  auto op = LaunchBuilder(tile, group.getRoot()->getLoc())
                .input(first)
                .input(second)
                .output(join.getType())
                .launch(kernel, group.label());
  group.replace(join, op.getResult(0));
  return std::nullopt;
}

NotLowered lowerLatent(OpGroup &group, TileBuilder &tile) {
  if (auto matmul = group.only<HeadMatmulOp>())
    return lowerHeadMatmul(group, tile, matmul);
  if (auto write = group.only<LatentWriteOp>())
    return lowerLatentWrite(group, tile, write);
  if (auto attention = group.only<LatentAttentionOp>())
    return lowerLatentAttention(group, tile, attention);
  if (auto join = group.only<JoinHeadsOp>())
    return lowerJoinHeads(group, tile, join);
  return "no op of latent attention alone";
}

} // namespace sinter
