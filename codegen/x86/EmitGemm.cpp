/// Emits gemv and gemm: row groups of packed weights times tiles of tokens,
/// then the hole's body over the sums.
#include "codegen/x86/GemmTile.h"
#include "codegen/x86/HoleBody.h"
#include "codegen/x86/RowWriter.h"
#include "codegen/x86/Skeletons.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

/// Tokens of a tile from which on prefetches pay, and their distance in bytes:
/// 8 sequences of a 0.6B Q4_K_M decode 1.65 times as fast on Zen 4
/// (docs/performance.md).
static constexpr unsigned kBatch = 4;
static constexpr unsigned kBatchPrefetch = 4096;

namespace {

/// One gemm kernel being written.
class GemmEmitter {
public:
  GemmEmitter(KernelBuilder &builder, KernelOp op, const PackedLayout &packed)
      : k(builder), kernel(op),
        gemm(cast<GemmAttr>(op.getSkeleton())), tile{.layout = packed,
                                                     .input = gemm.getInput()},
        rowGroups(op.getConfigAttr().getRowGroups()),
        tileTokens(op.getConfigAttr().getTokens()) {}

  void emit();

private:
  void loadOperands();
  void emitItem(Value item);
  Value prefetchDistance(Value token, unsigned tokens);
  void emitTokens(Value token, unsigned tokens);
  void emitEpilogue(Value token, unsigned tokens);
  void emitColumns(Value sumsRow, Value outputRow);
  Value segment(Value sumsRow, Value group, Value column, unsigned first,
                unsigned s);
  Value column(Value sumsRow, Value group, unsigned part);
  void emitPartialGroup(Value sumsRow, Value outputRow);

  KernelBuilder &k;
  KernelOp kernel;
  GemmAttr gemm;
  GemmTile tile;
  unsigned rowGroups, tileTokens;
  Value input, weights, bias, output, sums;
  Value rounded; ///< bfloat16 rows of a tile, if the product takes those
  Value firstGroup, groupCount; ///< of the item
};

} // namespace

void GemmEmitter::loadOperands() {
  unsigned next = 0;
  input = k.operand(next++);
  weights = k.operand(next++);
  if (gemm.getBias())
    bias = k.operand(next++);
  output = k.operand(next++);
  sums = k.scratch(uint64_t(tileTokens) * rowGroups * kRowGroup * 4);
  if (tile.takesBf16(k.isa()))
    rounded = k.scratch(uint64_t(tileTokens) * gemm.getInput().getWidth() * 2);
}

void GemmEmitter::emit() {
  loadOperands();
  k.loop(k.begin(), k.end(), 1, [&](Value item) { emitItem(item); });
}

/// All tokens of one item: whole tiles, then tiles of halving size, so that a
/// step of any number of tokens runs the same arithmetic for each.
void GemmEmitter::emitItem(Value item) {
  unsigned groups = (gemm.getWeightRows() + kRowGroup - 1) / kRowGroup;
  firstGroup = k.mul(item, rowGroups);
  Value left = k.add(k.index(groups), k.mul(firstGroup, -1));
  groupCount = k.min(left, k.index(rowGroups));
  Value tokens = gemm.getOutputs() ? k.outputCount() : k.tokenCount();
  Value whole = k.mul(k.div(tokens, tileTokens), tileTokens);
  k.loop(k.index(0), whole, tileTokens,
         [&](Value token) { emitTokens(token, tileTokens); });
  Value rest = k.rem(tokens, tileTokens);
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
Value GemmEmitter::prefetchDistance(Value token, unsigned tokens) {
  if (tokens >= kBatch)
    return k.ops().create<arith::SelectOp>(k.equal(token, k.index(0)),
                                           k.index(kBatchPrefetch), k.index(0));
  unsigned distance = kernel.getConfigAttr().getPrefetch();
  return distance ? k.index(distance) : Value();
}

void GemmEmitter::emitTokens(Value token, unsigned tokens) {
  Value inputRow = rowAt(k, gemm.getInput(), input, token);
  if (rounded) {
    tile.convertRows(k, inputRow, tokens, rounded);
    inputRow = rounded;
  }
  uint64_t groupBytes = tile.layout.rowGroupBytes(gemm.getInput().getWidth());
  unsigned lanes = k.isa().lanes();
  tile.ahead = prefetchDistance(token, tokens);
  k.loop(k.index(0), groupCount, 1, [&](Value group) {
    SmallVector<TilePart> parts;
    Value rowGroup = k.at(weights, k.mul(k.add(firstGroup, group), groupBytes));
    for (unsigned row = 0; row < kRowGroup; row += lanes)
      parts.push_back({rowGroup, row});
    Values results = tile.emit(k, parts, inputRow, tokens);
    Value place = k.at(sums, k.mul(group, kRowGroup * 4));
    for (unsigned i = 0; i < results.size(); ++i)
      k.store(results[i], place,
              (i % tokens * rowGroups * kRowGroup + i / tokens * lanes) * 4);
  });
  emitEpilogue(token, tokens);
}

void GemmEmitter::emitEpilogue(Value token, unsigned tokens) {
  k.loop(k.index(0), k.index(tokens), 1, [&](Value t) {
    Value row = k.add(token, t);
    emitColumns(k.at(sums, k.mul(t, rowGroups * kRowGroup * 4)),
                rowAt(k, gemm.getOutput(), output, row));
  });
}

/// Segment `s` of an output column vector: its sum, plus bias. `group` counts
/// output groups of 16 columns within the item, `column` is the output column.
Value GemmEmitter::segment(Value sumsRow, Value group, Value column,
                           unsigned first, unsigned s) {
  unsigned lanes = k.isa().lanes(), segments = gemm.getSegments();
  Value place = k.at(sumsRow, k.mul(group, segments * kRowGroup * 4));
  Value sum = k.load(k.vec(lanes, k.f32()), place, (s * kRowGroup + first) * 4);
  if (!bias)
    return sum;
  unsigned segmentRows = gemm.getWeightRows() / segments;
  Value biasPlace = k.at(bias, k.mul(column, 4));
  return k.addf(sum, k.load(k.vec(lanes, k.f32()), biasPlace,
                            (s * segmentRows + first) * 4));
}

/// The value of lanes part·lanes … of output group `group`.
Value GemmEmitter::column(Value sumsRow, Value group, unsigned part) {
  unsigned lanes = k.isa().lanes(), first = part * lanes;
  Value outputGroup = k.add(k.div(firstGroup, gemm.getSegments()), group);
  Value column = k.mul(outputGroup, kRowGroup);
  Values arguments;
  for (unsigned s = 0; s < gemm.getSegments(); ++s)
    arguments.push_back(segment(sumsRow, group, column, first, s));
  return emitBody(k, kernel.getBody(), arguments);
}

void GemmEmitter::emitColumns(Value sumsRow, Value outputRow) {
  unsigned parts = kRowGroup / k.isa().lanes();
  Value groups = k.div(groupCount, gemm.getSegments());
  Value base = k.div(firstGroup, gemm.getSegments());
  if (gemm.getOutput().getQ8()) {
    k.loop(k.index(0), groups, 2, [&](Value group) {
      Values columns;
      for (unsigned g = 0; g < 2; ++g)
        for (unsigned part = 0; part < parts; ++part)
          columns.push_back(column(sumsRow, k.add(group, g), part));
      writeBlock(k, gemm.getOutput(), outputRow, k.div(k.add(base, group), 2),
                 columns);
    });
    Value last = k.equal(k.mul(k.add(base, groups), kRowGroup),
                         k.index(gemm.getOutput().getWidth()));
    if (gemm.getOutput().getWidth() % 256)
      k.when(last, [&] { writePadding(k, gemm.getOutput(), outputRow); });
    return;
  }
  unsigned partial = gemm.getOutput().getWidth() % kRowGroup;
  Value whole = groups;
  if (partial)
    whole =
        k.min(groups, k.add(k.index(gemm.getOutput().getWidth() / kRowGroup),
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
void GemmEmitter::emitPartialGroup(Value sumsRow, Value outputRow) {
  unsigned width = gemm.getOutput().getWidth();
  Value group = k.add(groupCount, -1);
  Value firstColumn = k.mul(k.add(firstGroup, group), kRowGroup);
  k.loop(firstColumn, k.index(width), 1, [&](Value column) {
    auto one = k.vec(1, k.f32());
    Value inItem = k.add(column, k.mul(firstGroup, -int(kRowGroup)));
    Value value = k.load(one, k.at(sumsRow, k.mul(inItem, 4)));
    if (bias)
      value = k.addf(value, k.load(one, k.at(bias, k.mul(column, 4))));
    Values arguments{value};
    k.store(emitBody(k, kernel.getBody(), arguments),
            k.at(outputRow, k.mul(column, 4)));
  });
}

llvm::Error x86::emitGemm(KernelBuilder &k, KernelOp kernel) {
  auto gemm = cast<GemmAttr>(kernel.getSkeleton());
  std::string name = gemm.getFormat().str();
  const Format *format = findFormat(std::string_view(name));
  if (!format)
    return llvm::createStringError("weight format '%s' is unknown",
                                   name.c_str());
  bool plain = format->form.family == Family::Plain;
  if (plain == gemm.getInput().getQ8())
    return llvm::createStringError(
        "weights of %s take %s activations, found %s", name.c_str(),
        plain ? "float32" : "8-bit", plain ? "8-bit" : "float32");
  unsigned block =
      kRowGroup * gemm.getSegments() * (gemm.getOutput().getQ8() ? 2 : 1);
  bool whole = gemm.getSegments() == 1 && !gemm.getOutput().getQ8();
  if (!whole && (gemm.getWeightRows() % block ||
                 kernel.getConfigAttr().getRowGroups() * kRowGroup % block))
    return llvm::createStringError(
        "%u weight rows in items of %u row groups; this output needs "
        "multiples of %u rows",
        gemm.getWeightRows(), kernel.getConfigAttr().getRowGroups(), block);
  PackedLayout layout = PackedLayout::of(*format);
  GemmEmitter(k, kernel, layout).emit();
  return llvm::Error::success();
}
