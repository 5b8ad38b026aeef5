/// Lowers what works head by head: head norms, rotation and cache write as one
/// kernel, and attention.
#include "passes/tile/LowerGroup.h"

using namespace mlir;

namespace sinter {

namespace {

/// norm -> rope of one row of heads, each optional, found upwards.
struct HeadPath {
  Value input;
  RmsNormOp norm;
  RopeOp rope;
  size_t ops = 0;
};

} // namespace

/// An op of the group that gives `value`.
template <typename Op> static Op producer(OpGroup &group, Value value) {
  auto op = value.getDefiningOp<Op>();
  return op && llvm::is_contained(group.getOps(), op.getOperation()) ? op
                                                                     : Op();
}

static HeadPath pathTo(OpGroup &group, Value value) {
  HeadPath path;
  path.input = group.resolve(value);
  if ((path.rope = producer<RopeOp>(group, path.input))) {
    path.input = group.resolve(path.rope.getInput());
    ++path.ops;
  }
  if ((path.norm = producer<RmsNormOp>(group, path.input))) {
    path.input = group.resolve(path.norm.getInput());
    ++path.ops;
  }
  return path;
}

/// A norm of whole heads only.
static bool normsHeads(TileBuilder &tile, RmsNormOp norm, int64_t width) {
  return !norm || tile.weightType(norm.getWeightAttr()).getDimSize(0) == width;
}

namespace {

/// All parts of one heads kernel.
struct Heads {
  HeadPath query, key;
  CacheWriteOp write;
  Value queryResult;
  RopeAttr rope;
  FloatAttr epsilon;
  int64_t keyWidth = 0, queryHeads = 0;
};

} // namespace

static NotLowered findQuery(OpGroup &group, Heads &heads) {
  for (Operation *op : group.getOps()) {
    auto rope = dyn_cast<RopeOp>(op);
    if (!rope || rope == heads.key.rope)
      continue;
    if (heads.queryResult)
      return "more than one query";
    heads.queryResult = rope.getResult();
    heads.query = pathTo(group, rope.getResult());
    heads.queryHeads = rope.getHeads();
  }
  return std::nullopt;
}

/// What the parts must have in common, as one kernel has one of each.
static NotLowered checkHeads(TileBuilder &tile, Heads &heads) {
  if (heads.queryHeads)
    heads.keyWidth = rowWidth(heads.queryResult) / heads.queryHeads;
  if (heads.write) {
    int64_t width = heads.write.getCache().getType().getKeys();
    if (heads.keyWidth && heads.keyWidth != width)
      return "query and key heads of different widths";
    heads.keyWidth = width;
    if (heads.queryHeads && !heads.key.rope)
      return "the query rotates, the key does not";
    if (heads.key.rope &&
        rowWidth(heads.key.input) !=
            static_cast<int64_t>(heads.key.rope.getHeads()) * width)
      return "the rotation's heads are not the cache's";
  }
  for (const HeadPath &path : {heads.query, heads.key}) {
    RopeOp rope = path.rope;
    RmsNormOp norm = path.norm;
    if (rope && heads.rope && rope.getRope() != heads.rope)
      return "query and key rotate differently";
    if (rope)
      heads.rope = rope.getRope();
    if (norm && heads.epsilon && norm.getEpsilonAttr() != heads.epsilon)
      return "query and key norm with different epsilons";
    if (norm)
      heads.epsilon = norm.getEpsilonAttr();
    if (!normsHeads(tile, norm, heads.keyWidth))
      return "a norm that is not of whole heads";
  }
  return std::nullopt;
}

static tile::HeadsAttr skeletonOf(OpGroup &group, TileBuilder &tile,
                                  Heads &heads) {
  CacheWriteOp write = heads.write;
  unsigned cacheHeads = 0, valueWidth = 0, keyStride = 0, valueStride = 0;
  unsigned queryStride = 0, outputStride = 0;
  Type element = Float16Type::get(group.getRoot()->getContext());
  bool ring = false;
  if (write) {
    KvCacheType cache = write.getCache().getType();
    cacheHeads = cache.getHeads();
    valueWidth = cache.getValues();
    keyStride = tile.row(heads.key.input).getStride();
    valueStride = tile.row(group.resolve(write.getValues())).getStride();
    element = cache.getElement();
    ring = cache.getWindow() != 0;
  }
  if (heads.queryHeads) {
    queryStride = tile.row(heads.query.input).getStride();
    outputStride = rowWidth(heads.queryResult);
  }
  return tile::HeadsAttr::get(
      group.getRoot()->getContext(), heads.queryHeads, cacheHeads,
      heads.keyWidth, valueWidth, heads.rope ? heads.rope.getWidth() : 0,
      heads.rope && heads.rope.getNeox(), static_cast<bool>(heads.query.norm),
      static_cast<bool>(heads.key.norm), heads.epsilon, queryStride, keyStride,
      valueStride, outputStride, element, kPageTokens, ring);
}

static void launchHeads(OpGroup &group, TileBuilder &tile, Heads &heads) {
  tile::HeadsAttr skeleton = skeletonOf(group, tile, heads);
  auto kernel = tile.kernel(
      Twine(!heads.write       ? "rope"
            : heads.queryHeads ? "rope_cache_write"
                               : "cache_write") +
          "_h" + Twine(heads.queryHeads + skeleton.getCacheHeads()) + "_k" +
          Twine(heads.keyWidth),
      skeleton);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  if (heads.queryHeads) {
    launch.input(heads.query.input);
    if (heads.query.norm)
      launch.symbol(tile.vector(heads.query.norm.getWeightAttr()));
  }
  if (heads.write) {
    launch.input(heads.key.input);
    if (heads.key.norm)
      launch.symbol(tile.vector(heads.key.norm.getWeightAttr()));
    launch.input(group.resolve(heads.write.getValues()));
  }
  if (heads.rope)
    launch.symbol(tile.ropeTable(heads.rope));
  if (heads.write)
    launch.input(group.resolve(heads.write.getCache())).writesState();
  if (heads.queryHeads)
    launch.output(heads.queryResult.getType());
  auto op = launch.launch(kernel, group.label());
  if (heads.queryHeads)
    group.replace(heads.queryResult, op.getResult(0));
}

NotLowered lowerHeads(OpGroup &group, TileBuilder &tile) {
  Heads heads;
  size_t writes = group.count<CacheWriteOp>();
  heads.write = group.only<CacheWriteOp>();
  if (writes > 1 || (!writes && !group.count<RopeOp>()))
    return "not one rotation or one cache write";
  if (heads.write)
    heads.key = pathTo(group, heads.write.getKeys());
  if (NotLowered why = findQuery(group, heads))
    return why;
  if (heads.query.ops + heads.key.ops + writes != group.size())
    return "ops beside the heads'";
  if (!group.gives(heads.queryResult ? ArrayRef<Value>(heads.queryResult)
                                     : ArrayRef<Value>()))
    return "an inner value is used outside";
  if (NotLowered why = checkHeads(tile, heads))
    return why;
  launchHeads(group, tile, heads);
  return std::nullopt;
}

NotLowered lowerAttention(OpGroup &group, TileBuilder &tile) {
  auto attention = group.only<AttentionOp>();
  auto quantize = group.only<QuantizeOp>();
  if (!attention || group.size() != (quantize ? 2u : 1u))
    return "not one attention, perhaps with a quantisation";
  if (quantize && group.resolve(quantize.getInput()) != attention.getResult())
    return "the quantisation is not of the attention";
  Value result = quantize ? quantize.getResult() : attention.getResult();
  if (!group.gives(result))
    return "an inner value is used outside";
  KvCacheType cache = attention.getCache().getType();
  Value query = group.resolve(attention.getQuery());
  auto skeleton = tile::AttentionAttr::get(
      attention.getContext(), attention.getHeads(), cache.getHeads(),
      cache.getKeys(), cache.getValues(), attention.getScaleAttr(),
      tile.row(query).getStride(), tile.row(result.getType()),
      cache.getElement(), kPageTokens, attention.getWindow().value_or(0),
      attention.getSoftcapAttr(), attention.getSinks().has_value(),
      cache.getWindow() != 0, attention.getBidirectional(),
      attention.getAlibiAttr());
  auto kernel = tile.kernel(Twine("attention") + (quantize ? "_q8" : "_f32") +
                                "_h" + Twine(attention.getHeads()) + "_k" +
                                Twine(cache.getKeys()),
                            skeleton);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  launch.input(query).input(group.resolve(attention.getCache()));
  if (auto sinks = attention.getSinksAttr())
    launch.symbol(tile.vector(sinks));
  auto op = launch.output(result.getType()).launch(kernel, group.label());
  group.replace(result, op.getResult(0));
  return std::nullopt;
}

} // namespace sinter
