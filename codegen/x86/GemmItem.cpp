/// Emits one work item of the matrix products.
#include "codegen/x86/GemmItem.h"

#include "codegen/x86/HoleBody.h"
#include "codegen/x86/RowWriter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// Tokens of a tile from which on prefetches pay: 8 sequences of a 0.6B Q4_K_M
/// decode 1.65 times as fast on Zen 4 (docs/performance.md).
static constexpr unsigned kBatch = 4;

llvm::Error GemmWork::check() const {
  std::string name(layout.format->name);
  bool plain = layout.format->form.family == Family::Plain;
  if (plain == input.getQ8())
    return llvm::createStringError(
        "weights of %s take %s activations, found %s", name.c_str(),
        plain ? "float32" : "8-bit", plain ? "8-bit" : "float32");
  unsigned block = kRowGroup * segments * (output.getQ8() ? 2 : 1);
  bool whole = segments == 1 && !output.getQ8();
  unsigned rowGroups = config.getRowGroups();
  if (!whole && (weightRows % block || rowGroups * kRowGroup % block))
    return llvm::createStringError(
        "%u weight rows in items of %u row groups; this output needs "
        "multiples of %u rows",
        weightRows, rowGroups, block);
  return llvm::Error::success();
}

GemmItem::GemmItem(KernelBuilder &builder, const GemmWork &work)
    : k(builder), work(work), tile{.layout = work.layout, .input = work.input},
      rowGroups(work.config.getRowGroups()),
      tileTokens(work.config.getTokens()), sumBytes(rowGroups * kRowGroup * 4) {
  uint64_t tokens = tileTokens;
  if (unsigned groups = blockGroups()) {
    panel.emplace(k, work.layout, work.input, groups);
    if (panel->stretch() < panel->records())
      tokens = std::max(tileTokens, panelTokens());
  }
  sums = k.scratch(tokens * sumBytes);
  if (tile.takesBf16(k.isa()))
    rounded = k.scratch(tokens * work.input.getWidth() * 2);
}

/// All tokens of one item: those of panels, whole tiles, then tiles of halving
/// size, so that a step of any number of tokens runs the same arithmetic for
/// each.
void GemmItem::emit(Value item, Value tokens) {
  unsigned groups = (work.weightRows + kRowGroup - 1) / kRowGroup;
  firstGroup = k.mul(item, rowGroups);
  Value left = k.add(k.index(groups), k.mul(firstGroup, -1));
  groupCount = k.min(left, k.index(rowGroups));
  Value first = panel ? emitPanels(tokens) : k.index(0);
  Value others = k.add(tokens, k.mul(first, -1));
  Value whole = k.mul(k.div(others, tileTokens), tileTokens);
  k.loop(first, k.add(first, whole), tileTokens,
         [&](Value token) { emitTokens(token, tileTokens); });
  Value rest = k.rem(others, tileTokens);
  for (unsigned size = llvm::bit_floor(tileTokens - 1 + !(tileTokens - 1));
       size >= 1 && tileTokens > 1; size /= 2) {
    Value inSize = k.rem(rest, 2 * size);
    Value present = k.less(k.index(size - 1), inSize);
    k.when(present,
           [&] { emitTokens(k.add(tokens, k.mul(inSize, -1)), size); });
  }
}

/// How far ahead of a tile of `tokens` tokens from `token` on weights are
/// fetched. The first tile of several reads them from memory, with so much
/// arithmetic between two lines that the hardware's prefetchers fall behind;
/// for the later ones they are in the cache.
Value GemmItem::prefetchDistance(Value token, unsigned tokens) {
  if (tokens >= kBatch)
    return k.ops().create<arith::SelectOp>(k.equal(token, k.index(0)),
                                           k.index(kBatchPrefetch), k.index(0));
  unsigned distance = work.config.getPrefetch();
  return distance ? k.index(distance) : Value();
}

/// Row groups of a tile of `tokens` tokens. In one of several tokens of plain
/// weights a broadcast of activations serves two. A single token adds one
/// product after the other to each sum: 32 bytes in the 4 cycles that one
/// takes, which is less than a fast core reads. Two groups have two sums; their
/// two streams want software's prefetches (docs/performance.md).
unsigned GemmItem::groupsAtOnce(unsigned tokens) const {
  if (work.layout.format->form.family != Family::Plain)
    return 1;
  if (tokens >= kBatch)
    return k.isa().wide ? 2 : 1;
  return !rounded && tokens == 1 && work.config.getPrefetch() ? 2 : 1;
}

/// Address of packed row group `group` of the item.
Value GemmItem::rowGroup(Value group) {
  uint64_t bytes = work.layout.rowGroupBytes(work.input.getWidth());
  return k.at(weights, k.mul(k.add(firstGroup, group), bytes));
}

/// The sums of `count` row groups from `group` of the item on.
void GemmItem::emitGroups(Value inputRow, Value group, unsigned count,
                          unsigned tokens) {
  unsigned lanes = k.isa().lanes();
  SmallVector<TilePart> parts;
  for (unsigned g = 0; g < count; ++g) {
    Value packed = rowGroup(k.add(group, g));
    for (unsigned row = 0; row < kRowGroup; row += lanes)
      parts.push_back({packed, row});
  }
  Values results = tile.emit(k, parts, inputRow, tokens);
  Value place = k.at(sums, k.mul(group, kRowGroup * 4));
  for (unsigned i = 0; i < results.size(); ++i)
    k.store(results[i], place, i % tokens * sumBytes + i / tokens * lanes * 4);
}

void GemmItem::emitTokens(Value token, unsigned tokens) {
  Value inputRow = rowAt(k, work.input, input, token);
  if (rounded) {
    tile.convertRows(k, inputRow, tokens, rounded);
    inputRow = rounded;
  }
  tile.ahead = prefetchDistance(token, tokens);
  unsigned together = groupsAtOnce(tokens);
  Value whole = k.mul(k.div(groupCount, together), together);
  k.loop(k.index(0), whole, together,
         [&](Value group) { emitGroups(inputRow, group, together, tokens); });
  if (together > 1)
    k.loop(whole, groupCount, 1,
           [&](Value group) { emitGroups(inputRow, group, 1, tokens); });
  emitEpilogue(token, tokens);
}

void GemmItem::emitEpilogue(Value token, unsigned tokens) {
  k.loop(k.index(0), k.index(tokens), 1, [&](Value t) {
    Value row = k.add(token, t);
    emitColumns(k.at(sums, k.mul(t, sumBytes)), this->outputRow(row));
  });
}

/// Segment `s` of an output column vector: its sum, plus bias. `group` counts
/// output groups of 16 columns within the item, `column` is the output column.
Value GemmItem::segment(Value sumsRow, Value group, Value column,
                        unsigned first, unsigned s) {
  unsigned lanes = k.isa().lanes(), segments = work.segments;
  Value place = k.at(sumsRow, k.mul(group, segments * kRowGroup * 4));
  Value sum = k.load(k.vec(lanes, k.f32()), place, (s * kRowGroup + first) * 4);
  if (biases.empty())
    return sum;
  Value biasPlace = k.at(biases[s], k.mul(column, 4));
  return k.addf(sum, k.load(k.vec(lanes, k.f32()), biasPlace, first * 4));
}

/// The value of lanes part·lanes … of output group `group`.
Value GemmItem::column(Value sumsRow, Value group, unsigned part) {
  unsigned lanes = k.isa().lanes(), first = part * lanes;
  Value outputGroup = k.add(k.div(firstGroup, work.segments), group);
  Value column = k.mul(outputGroup, kRowGroup);
  Values arguments;
  for (unsigned s = 0; s < work.segments; ++s)
    arguments.push_back(segment(sumsRow, group, column, first, s));
  return emitBody(k, work.body, arguments);
}

/// Output groups in pairs, since 8-bit rows are written in blocks of 32.
void GemmItem::emitBlocks(Value sumsRow, Value outputRow, Value groups,
                          Value base) {
  unsigned parts = kRowGroup / k.isa().lanes();
  k.loop(k.index(0), groups, 2, [&](Value group) {
    Values columns;
    for (unsigned g = 0; g < 2; ++g)
      for (unsigned part = 0; part < parts; ++part)
        columns.push_back(column(sumsRow, k.add(group, g), part));
    writeBlock(k, work.output, outputRow, k.div(k.add(base, group), 2),
               columns);
  });
  Value last = k.equal(k.mul(k.add(base, groups), kRowGroup),
                       k.index(work.output.getWidth()));
  if (work.output.getWidth() % 256)
    k.when(last, [&] { writePadding(k, work.output, outputRow); });
}

void GemmItem::emitColumns(Value sumsRow, Value outputRow) {
  unsigned parts = kRowGroup / k.isa().lanes();
  Value groups = k.div(groupCount, work.segments);
  Value base = k.div(firstGroup, work.segments);
  if (outputGroup)
    base = k.add(base, outputGroup);
  if (work.output.getQ8())
    return emitBlocks(sumsRow, outputRow, groups, base);
  unsigned partial = work.output.getWidth() % kRowGroup;
  Value whole = groups;
  if (partial)
    whole = k.min(groups, k.add(k.index(work.output.getWidth() / kRowGroup),
                                k.mul(base, -1)));
  k.loop(k.index(0), whole, 1, [&](Value group) {
    Value place = k.at(outputRow, k.mul(k.add(base, group), kRowGroup * 4));
    for (unsigned part = 0; part < parts; ++part)
      k.store(column(sumsRow, group, part), place, part * k.isa().lanes() * 4);
  });
  if (partial)
    k.when(k.less(whole, groups),
           [&] { emitPartialGroup(sumsRow, outputRow); });
}

/// The last row group where the rows are no multiple of 16: one by one, from a
/// zero-padded copy of nothing but the sums (bias ends with the rows, so a
/// whole vector may not be read).
void GemmItem::emitPartialGroup(Value sumsRow, Value outputRow) {
  unsigned width = work.output.getWidth();
  Value group = k.add(groupCount, -1);
  Value firstColumn = k.mul(k.add(firstGroup, group), kRowGroup);
  k.loop(firstColumn, k.index(width), 1, [&](Value column) {
    auto one = k.vec(1, k.f32());
    Value inItem = k.add(column, k.mul(firstGroup, -int(kRowGroup)));
    Value value = k.load(one, k.at(sumsRow, k.mul(inItem, 4)));
    if (!biases.empty())
      value = k.addf(value, k.load(one, k.at(biases[0], k.mul(column, 4))));
    Values arguments{value};
    k.store(emitBody(k, work.body, arguments),
            k.at(outputRow, k.mul(column, 4)));
  });
}
