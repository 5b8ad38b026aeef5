/// Emits an item of steps of many tokens: its weights are decoded once, block
/// by block of row groups, for as many tokens as fit a cache.
#include "codegen/x86/GemmItem.h"

#include "codegen/x86/RowWriter.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// Bytes of the input rows that decoded weights serve: with them they fit an L2
/// cache of 1 MiB.
static constexpr uint64_t kPanelRowBytes = 640 << 10;
static constexpr uint64_t kMaxPanelTokens = 512;
/// Tokens from which on decoding once for all of them pays
/// (docs/performance.md: 64 gain 0 to 5 %, 32 lose 5).
static constexpr unsigned kPanelTokens = 48;
static constexpr unsigned kLeastTile = 8;

/// Row groups that are decoded at once for steps of many tokens: whole turns of
/// the registers and whole blocks of the output; 0: none are.
unsigned GemmItem::blockGroups() const {
  unsigned step = work.segments * (work.output.getQ8() ? 2 : 1);
  unsigned groups = std::lcm(step, PanelTile::groupsAtOnce(k.isa()));
  // A tile of fewer tokens says that few are expected.
  bool fits = !work.decode && tileTokens >= kLeastTile &&
              rowGroups % groups == 0 && PanelTile::takes(k.isa(), work.layout);
  return fits ? groups : 0;
}

/// Tokens that decoded weights serve: whole tiles.
unsigned GemmItem::panelTokens() const {
  unsigned tile = panel->tokens();
  uint64_t fit = std::clamp<uint64_t>(kPanelRowBytes / rowBytes(work.input),
                                      tile, kMaxPanelTokens);
  return fit / tile * tile;
}

/// `tokens` tokens from `token` on, a multiple of the tile's, and the row
/// groups of one block.
void GemmItem::emitBlock(Value token, Value tokens) {
  Value packed = rowGroup(k.index(0));
  uint64_t records = panel->records(), stretch = panel->stretch();
  k.loop(k.index(0), k.index(records), stretch, [&](Value first) {
    Value count =
        k.min(k.add(k.index(records), k.mul(first, -1)), k.index(stretch));
    panel->decode(packed, first, count, k.index(kBatchPrefetch));
    k.loop(k.index(0), tokens, panel->tokens(), [&](Value t) {
      Value row = k.add(token, t), all = sums;
      if (stretch < records)
        sums = k.at(all, k.mul(t, sumBytes));
      panel->multiply(rowAt(k, work.input, input, row), first, count,
                      {sums, sumBytes});
      auto end = [&] {
        panel->scale(packed, {sums, sumBytes});
        emitEpilogue(row, panel->tokens());
      };
      if (stretch < records)
        k.when(k.equal(k.add(first, count), k.index(records)), end);
      else
        end();
      sums = all;
    });
  });
}

/// The row groups from `group` of the item on, as an item of their own.
void GemmItem::emitRange(Value group, Value count,
                         llvm::function_ref<void()> body) {
  Value first = firstGroup, all = groupCount;
  firstGroup = k.add(first, group);
  groupCount = count;
  body();
  firstGroup = first;
  groupCount = all;
}

/// Of `all` tokens those that are multiplied so, from the first on: whole
/// tiles, or none of few. Row groups that make no block are decoded for each
/// tile.
Value GemmItem::emitPanels(Value all) {
  unsigned block = blockGroups(), served = panelTokens();
  unsigned groups = (work.weightRows + kRowGroup - 1) / kRowGroup;
  Value few = k.less(all, k.index(kPanelTokens));
  Value whole = k.mul(k.div(all, panel->tokens()), panel->tokens());
  Value tokens = k.ops().create<arith::SelectOp>(few, k.index(0), whole);
  Value blocks =
      groups % block ? k.mul(k.div(groupCount, block), block) : groupCount;
  k.loop(k.index(0), tokens, served, [&](Value token) {
    Value count = k.min(k.add(tokens, k.mul(token, -1)), k.index(served));
    k.loop(k.index(0), blocks, block, [&](Value group) {
      emitRange(group, k.index(block), [&] { emitBlock(token, count); });
    });
  });
  if (groups % block)
    emitRange(blocks, k.add(groupCount, k.mul(blocks, -1)), [&] {
      k.loop(k.index(0), tokens, panel->tokens(),
             [&](Value token) { emitTokens(token, panel->tokens()); });
    });
  return tokens;
}
