/// Lowers what encoders add to decoders: rows chosen by position, a row for
/// each sequence, softmax.
#include "passes/tile/LowerGroup.h"

#include "dialects/sinter/EncoderOps.h"
#include "dialects/tile/Pooling.h"

using namespace mlir;

namespace sinter {

static NotLowered lowerEmbedRows(OpGroup &group, TileBuilder &tile,
                                 EmbedRowsOp embed) {
  RankedTensorType type = tile.weightType(embed.getWeightAttr());
  StringRef format = formatOf(type.getElementType())->name;
  unsigned rows = type.getDimSize(0);
  auto skeleton =
      tile::EmbedAttr::get(embed.getContext(), format, rows,
                           tile.row(embed.getType()), embed.getBy());
  auto kernel =
      tile.kernel("embed_" + embed.getBy() + "_" + Twine(format) + "_n" +
                      Twine(rows) + "_k" + Twine(type.getDimSize(1)),
                  skeleton);
  auto launch = LaunchBuilder(tile, embed.getLoc())
                    .symbol(tile.packed(embed.getWeightAttr(), {}, false))
                    .output(embed.getType())
                    .launch(kernel, group.label());
  group.replace(embed, launch.getResult(0));
  return std::nullopt;
}

static NotLowered lowerPool(OpGroup &group, TileBuilder &tile, PoolOp pool) {
  Value input = group.resolve(pool.getInput());
  unsigned width = rowWidth(input);
  auto skeleton = tile::PoolAttr::get(pool.getContext(), pool.getKind(), width,
                                      tile.row(input).getStride());
  auto kernel =
      tile.kernel("pool_" + pool.getKind() + "_n" + Twine(width), skeleton);
  auto launch = LaunchBuilder(tile, pool.getLoc())
                    .input(input)
                    .output(pool.getType())
                    .countsOutputs(true)
                    .launch(kernel, group.label());
  group.replace(pool, launch.getResult(0));
  return std::nullopt;
}

static NotLowered lowerSoftmax(OpGroup &group, TileBuilder &tile,
                               SoftmaxOp softmax) {
  Value input = group.resolve(softmax.getInput());
  bool outputs = tile.countsOutputs(input);
  unsigned width = rowWidth(input);
  auto skeleton = tile::SoftmaxAttr::get(softmax.getContext(), width,
                                         tile.row(input).getStride(), outputs);
  auto kernel = tile.kernel("softmax_n" + Twine(width), skeleton);
  auto launch = LaunchBuilder(tile, softmax.getLoc())
                    .input(input)
                    .output(softmax.getType())
                    .countsOutputs(outputs)
                    .launch(kernel, group.label());
  group.replace(softmax, launch.getResult(0));
  return std::nullopt;
}

NotLowered lowerPooling(OpGroup &group, TileBuilder &tile) {
  if (group.size() != 1)
    return "not one op of an encoder";
  Operation *op = group.getOps().front();
  if (auto embed = dyn_cast<EmbedRowsOp>(op))
    return lowerEmbedRows(group, tile, embed);
  if (auto pool = dyn_cast<PoolOp>(op))
    return lowerPool(group, tile, pool);
  return lowerSoftmax(group, tile, cast<SoftmaxOp>(op));
}

} // namespace sinter
