/// Boxes what happens to query, key and value heads before attention.
///
///   %qn = rms_norm %q, @wq (optional)
///   %kn = rms_norm %k, @wk (optional)        %qr = region "rope_cache_write"
///   %qr = rope %qn, %batch             ==>      (%q, %k, %v, %kv, %batch) {
///   %kr = rope %kn, %batch                      the same ops
///   cache_write %kr, %v, %kv, %batch            yield %qr
///   … attention %qr, %kv, %batch              }
///
/// Why: a head is normed, rotated and stored while it is in registers; one
/// launch instead of five.
/// Refuses: keys or query that are not rotated, rotated differently, or normed
/// behind their rotation; keys
/// or normed heads that are read elsewhere; a cache that no attention reads.
/// Test: test/passes/fuse-rope-cache-write.mlir
#include "passes/FusionPass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_FUSEROPECACHEWRITE
#include "passes/Passes.h.inc"

/// The norm of each head that feeds `rope`; null if there is none.
static RmsNormOp headNormOf(RopeOp rope, const Site &site) {
  auto norm = rope.getInput().getDefiningOp<RmsNormOp>();
  if (!norm)
    return {};
  int64_t head = rowWidth(rope.getInput()) / rope.getHeads();
  bool ofHeads = site.weight(norm.getWeightAttr()).getDimSize(0) == head;
  return ofHeads ? norm : RmsNormOp();
}

/// The attention of `write`'s layer and step: the first behind it. Later layers
/// may read the same cache.
static AttentionOp readerOf(CacheWriteOp write) {
  AttentionOp first;
  for (Operation *user : write.getCache().getUsers())
    if (auto attention = dyn_cast<AttentionOp>(user))
      if (attention->getBlock() == write->getBlock() &&
          write->isBeforeInBlock(attention) &&
          (!first || attention->isBeforeInBlock(first)))
        first = attention;
  return first;
}

static std::optional<Box> matchRopeCacheWrite(CacheWriteOp write, Site &site) {
  AttentionOp attention = readerOf(write);
  if (!attention)
    return site.refuse("no attention reads the cache after the write");
  auto query = attention.getQuery().getDefiningOp<RopeOp>();
  auto normed = attention.getQuery().getDefiningOp<RmsNormOp>();
  if (normed && normed.getInput().getDefiningOp<RopeOp>())
    return site.refuse("query is normed after its rotation");
  if (!query)
    return site.refuse("query is not rotated");
  auto keys = write.getKeys().getDefiningOp<RopeOp>();
  if (!keys)
    return site.refuse("keys are not rotated");
  if (query.getRope() != keys.getRope())
    return site.refuse("query and keys are rotated differently");
  if (!keys.getResult().hasOneUse())
    return site.refuse("keys have other users");

  Box box{.ops = {}, .main = write};
  SmallVector<RmsNormOp> norms;
  for (RopeOp rope : {query, keys}) {
    box.inputs.push_back(rope.getInput());
    RmsNormOp norm = headNormOf(rope, site);
    if (!norm)
      continue;
    if (!norm.getResult().hasOneUse())
      return site.refuse("normed heads have other users");
    box.inputs.back() = norm.getInput();
    norms.push_back(norm);
  }
  if (norms.size() == 2 && norms[0].getEpsilon() != norms[1].getEpsilon())
    return site.refuse("head norms have different epsilons");
  box.inputs.append({write.getValues(), write.getCache(), write.getBatch()});
  box.ops.assign(norms.begin(), norms.end());
  box.ops.append({query, keys, write});
  llvm::sort(box.ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return box;
}

namespace {

struct FuseRopeCacheWrite : impl::FuseRopeCacheWriteBase<FuseRopeCacheWrite> {
  using FuseRopeCacheWriteBase::FuseRopeCacheWriteBase;
  void runOnOperation() override {
    fuseAll<CacheWriteOp>(getOperation(), fuseRopeCacheWriteFusion, remarks,
                          matchRopeCacheWrite);
  }
};

} // namespace

const Fusion fuseRopeCacheWriteFusion = {.stem = "fuse-rope-cache-write",
                                         .kind = "rope_cache_write",
                                         .make = createFuseRopeCacheWrite,
                                         .expected = [](ModelAttr model) {
                                           return model.count(
                                               "rotated", model.getAttention());
                                         }};

} // namespace sinter
