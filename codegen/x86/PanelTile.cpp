/// Emits the register tile of many tokens:
///
///   for each stretch of records that fits a cache: decode it into a panel
///     for each tile of tokens, for each record, for each unit:
///       for each quad: a vector of codes of each part; for each token: one
///         broadcast of activations, a product with each
///       the integer sums, times their scales, are added to the tile's sums
///
/// Why: decoding weights again for each few tokens costs as much as a third of
/// the products (GemmTile.cpp), and a product that reads its activations from
/// memory is bound by a core's loads as much as by its multipliers. Here a
/// broadcast serves two. A unit is a turn of a loop whose sums are pinned
/// between quads, because LLVM reorders longer blocks until they spill: on Zen
/// 5 a stored vector costs as much as two products (docs/performance.md).
#include "codegen/x86/PanelTile.h"

#include "codegen/x86/RowWriter.h"

#include <algorithm>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// Bytes of what is decoded at once: beside the rows of some hundred tokens it
/// fits an L2 cache of 1 MiB.
static constexpr uint64_t kPanelBytes = 192 << 10;
static constexpr unsigned kParts = 2;

unsigned PanelTile::groupsAtOnce(const Isa &isa) {
  return kParts * isa.lanes() / kRowGroup;
}

bool PanelTile::takes(const Isa &isa, const PackedLayout &layout) {
  return isa.dot == ByteDot::Vnni512 &&
         layout.format->form.family != Family::Plain;
}

/// Tokens of a tile: a token has an integer and a float32 sum of each part, and
/// a third, of the groups before, where a unit has two.
static unsigned tileTokens(const CanonicalForm &form) {
  return form.group < kUnitWeights ? 4 : 6;
}

PanelTile::PanelTile(KernelBuilder &builder, const PackedLayout &layout,
                     tile::RowAttr input, unsigned groups)
    : k(builder), layout(layout), input(input), groups_(groups),
      tokens_(tileTokens(layout.format->form)), panel(layout, k.isa(), kParts),
      records_(layout.paddedWidth(input.getWidth()) / layout.recordWeights) {
  unsigned turns = groups / groupsAtOnce(k.isa());
  stretch_ = std::clamp<uint64_t>(kPanelBytes / turns / panel.recordBytes(), 1,
                                  records_);
  space = k.scratch(turns * stretch_ * panel.recordBytes());
}

void PanelTile::decode(Value rowGroup, Value first, Value count, Value ahead) {
  unsigned lanes = k.isa().lanes(), halves = kRowGroup / lanes;
  SmallVector<WeightDecoder, 2> weights;
  for (unsigned half = 0; half < halves; ++half)
    weights.emplace_back(
        k, layout,
        RowSelection{.lanes = lanes, .first = half * lanes, .row = {}});
  unsigned together = groupsAtOnce(k.isa());
  uint64_t groupBytes = layout.rowGroupBytes(input.getWidth());
  Value begin = k.add(k.mul(first, layout.recordBytes), layout.rowGroupHeader);
  k.loop(k.index(0), k.index(groups_), 1, [&](Value group) {
    Value from = k.at(rowGroup, k.add(k.mul(group, groupBytes), begin));
    Value turn = k.mul(k.div(group, together), stretch_ * panel.recordBytes());
    Value part = k.mul(k.rem(group, together), kRowGroup * 4);
    Value to = k.at(space, k.add(turn, part));
    k.loop(k.index(0), count, 1, [&](Value record) {
      Value packed = k.at(from, k.mul(record, layout.recordBytes));
      Value place = k.at(to, k.mul(record, panel.recordBytes()));
      for (unsigned half = 0; half < halves; ++half)
        panel.decode(k, weights[half], packed, half, place, ahead);
    });
  });
}

/// Integer sums of the unit at `unit`: group after group, token after token,
/// part after part. Groups take turns, so that no product waits for the one
/// before it.
SmallVector<ByteDot32> PanelTile::unitDots(Value unit, const TileInput &rows) {
  unsigned groups = panel.unitGroups(), quads = kUnitQuads / groups;
  SmallVector<ByteDot32> dots;
  for (unsigned group = 0; group < groups; ++group)
    for (unsigned t = 0; t < tokens_; ++t)
      dots.append(kParts, ByteDot32(beginDot(k, form(), rows, t, group)));
  for (unsigned turn = 0; turn < kUnitQuads; ++turn) {
    unsigned group = turn % groups, quad = group * quads + turn / groups;
    ByteDot32::pin(k, dots);
    Values codes;
    for (unsigned p = 0; p < kParts; ++p)
      codes.push_back(
          k.load(k.vec(k.isa().lanes(), k.i32()), unit, panel.codes(quad, p)));
    for (unsigned t = 0; t < tokens_; ++t) {
      Value x = rows.splat(k, k.i32(), rows.codes, t, 4 * quad);
      for (unsigned p = 0; p < kParts; ++p)
        dots[(group * tokens_ + t) * kParts + p].add(k, codes[p], x,
                                                     largestByte(form()));
    }
  }
  ByteDot32::pin(k, dots);
  return dots;
}

/// Adds the unit at `unit`.
Values PanelTile::addUnit(Value unit, const TileInput &rows,
                          ValueRange before) {
  SmallVector<ByteDot32> dots = unitDots(unit, rows);
  Type vector = k.vec(k.isa().lanes(), k.f32());
  Values sums(before);
  for (unsigned i = 0; i < sums.size(); ++i) {
    Value sum;
    for (unsigned group = 0; group < panel.unitGroups(); ++group) {
      Value products = k.toFloat(dots[group * sums.size() + i].finish(k));
      Value scale = k.load(vector, unit, panel.scale(group, i % kParts));
      sum = sum ? k.fma(products, scale, sum) : k.mulf(products, scale);
    }
    Value scale =
        rows.splat(k, k.f32(), rows.by32, i / kParts, rows.layout.scales);
    sums[i] = k.fma(sum, scale, sums[i]);
  }
  return sums;
}

/// Adds the minima of a record's groups, times the sums of the activations.
void PanelTile::addMins(Value record, const TileInput &rows, Values &totals) {
  unsigned lanes = k.isa().lanes();
  Type vector = k.vec(lanes, k.f32());
  bool by16 = form().group == 16;
  Value base = by16 ? rows.by16 : rows.by32;
  unsigned offset = by16 ? rows.layout.mins16 : rows.layout.mins32;
  Values sums(totals.size(), k.constant(lanes, 0.0f));
  for (unsigned g = 0; g < layout.groups; ++g) {
    sums = k.pinned(sums);
    Values mins;
    for (unsigned p = 0; p < kParts; ++p)
      mins.push_back(k.load(vector, record, panel.min(g, p)));
    for (unsigned i = 0; i < sums.size(); ++i)
      sums[i] = k.fma(mins[i % kParts],
                      rows.splat(k, k.f32(), base, i / kParts, offset + 4 * g),
                      sums[i]);
  }
  for (unsigned i = 0; i < sums.size(); ++i)
    totals[i] =
        layout.superMin >= 0
            ? k.fma(sums[i], k.load(vector, record, panel.superMin(i % kParts)),
                    totals[i])
            : k.addf(totals[i], sums[i]);
}

/// Adds the record of the panel at `record`, whose activations begin at
/// `column`.
Values PanelTile::addRecord(Value record, Value inputRow, Value column,
                            ValueRange before) {
  unsigned lanes = k.isa().lanes();
  Values totals(before);
  Values zeros(totals.size(), k.constant(lanes, 0.0f));
  Values sums = k.loop(
      k.index(0), k.index(panel.units()), 1, apart() ? zeros : totals,
      [&](Value unit, ValueRange carried) {
        Value from = k.add(column, k.mul(unit, kUnitWeights));
        return addUnit(k.at(record, k.mul(unit, panel.unitBytes())),
                       tileInput(k, input, inputRow, from, tokens_), carried);
      });
  for (unsigned i = 0; i < sums.size(); ++i)
    totals[i] = apart() ? k.fma(sums[i],
                                k.load(k.vec(lanes, k.f32()), record,
                                       panel.superScale(i % kParts)),
                                totals[i])
                        : sums[i];
  if (form().min != GroupMin::None)
    addMins(record, tileInput(k, input, inputRow, column, tokens_), totals);
  return totals;
}

void PanelTile::multiply(Value inputRow, Value first, Value count,
                         const Sums &sums) {
  unsigned together = groupsAtOnce(k.isa()), lanes = k.isa().lanes();
  k.loop(k.index(0), k.index(groups_ / together), 1, [&](Value turn) {
    Value place = k.at(sums.place, k.mul(turn, together * kRowGroup * 4));
    Value records = k.at(space, k.mul(turn, stretch_ * panel.recordBytes()));
    auto offset = [&](unsigned i) {
      return i / kParts * sums.tokenBytes + i % kParts * 4 * lanes;
    };
    Values totals(tokens_ * kParts, k.constant(lanes, 0.0f));
    if (stretch_ < records_) {
      k.when(k.equal(first, k.index(0)), [&] {
        for (unsigned i = 0; i < totals.size(); ++i)
          k.store(totals[i], place, offset(i));
      });
      for (unsigned i = 0; i < totals.size(); ++i)
        totals[i] = k.load(k.vec(lanes, k.f32()), place, offset(i));
    }
    totals = k.loop(
        k.index(0), count, 1, totals, [&](Value record, ValueRange carried) {
          Value column = k.mul(k.add(first, record), layout.recordWeights);
          return addRecord(k.at(records, k.mul(record, panel.recordBytes())),
                           inputRow, column, carried);
        });
    for (unsigned i = 0; i < totals.size(); ++i)
      k.store(totals[i], place, offset(i));
  });
}

void PanelTile::scale(Value rowGroup, const Sums &sums) {
  if (!form().tensorScale)
    return;
  unsigned lanes = k.isa().lanes();
  Type vector = k.vec(lanes, k.f32());
  uint64_t groupBytes = layout.rowGroupBytes(input.getWidth());
  k.loop(k.index(0), k.index(groups_), 1, [&](Value group) {
    Value scales = k.at(rowGroup, k.mul(group, groupBytes));
    Value place = k.at(sums.place, k.mul(group, kRowGroup * 4));
    for (unsigned first = 0; first < kRowGroup * 4; first += 4 * lanes)
      for (unsigned t = 0; t < tokens_; ++t) {
        unsigned offset = t * sums.tokenBytes + first;
        Value sum = k.load(vector, place, offset);
        k.store(k.mulf(sum, k.load(vector, scales, first)), place, offset);
      }
  });
}
