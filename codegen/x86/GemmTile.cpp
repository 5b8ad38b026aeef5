/// Emits the register tile of gemv and gemm.
#include "codegen/x86/GemmTile.h"

#include "codegen/x86/GemmUnit.h"
#include "codegen/x86/RowWriter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// Order in which the quads of a unit are decoded: those that share a line of
/// the widest plane one after the other.
static SmallVector<unsigned> quadOrder(const PackedLayout &layout,
                                       unsigned first, unsigned count) {
  SmallVector<unsigned> order;
  bool planes = layout.format->form.family == Family::Affine ||
                layout.format->form.family == Family::Codebook;
  unsigned lines = planes ? layout.codePlanes.front().lines : 1;
  for (unsigned line = 0; line < lines; ++line)
    for (unsigned quad = first; quad < first + count; ++quad)
      if (quad % lines == line)
        order.push_back(quad);
  return order;
}

/// Whether codes are multiplied as signed numbers, without their offset: what
/// AVX2 does fastest where no pair of larger products fits 16 bits.
static bool takesSigned(const Isa &isa, const CanonicalForm &form) {
  return isa.dot == ByteDot::Madd256 && form.codeOffset == 128 &&
         largestByte(form) > 127;
}

/// Adds one unit to the record's sums: for each token the groups' integer sums
/// times their scales, times the activation's scale, which they share. Codes
/// are decoded first, then token follows token: each broadcast of activations
/// serves all parts, and a token's integer sums need registers only while they
/// are formed.
void GemmTile::emitUnit(KernelBuilder &k, Decoders &weights, unsigned unit,
                        const TileInput &rows, Values &sums) const {
  const CanonicalForm &form = layout.format->form;
  unsigned groups = std::max(1u, kUnitWeights / form.group);
  unsigned quads = kUnitQuads / groups;
  unsigned largest = largestByte(form);
  bool isSigned = takesSigned(k.isa(), form);
  auto begin = [&](unsigned token, unsigned group) {
    return isSigned ? k.constant(rows.lanes, int32_t(0))
                    : beginDot(k, form, rows, token, group);
  };
  // Sixteen registers hold half a unit of two parts, thirty-two a whole one.
  unsigned atOnce = k.isa().wide ? kUnitQuads : kUnitQuads / 2;
  unsigned parts = weights.size();
  for (WeightDecoder &part : weights)
    part.enterUnit(unit);
  SmallVector<ByteDot32> dots(parts * rows.tokens);
  Values unitSums(parts * rows.tokens);
  Values scales(parts * groups);
  for (unsigned first = 0; first < kUnitQuads; first += atOnce) {
    Values codes(parts * kUnitQuads);
    for (unsigned p = 0; p < parts; ++p)
      for (unsigned quad : quadOrder(layout, first, atOnce))
        codes[p * kUnitQuads + quad] = weights[p].quad(unit, quad);
    for (unsigned t = 0; t < rows.tokens; ++t)
      for (unsigned quad = first; quad < first + atOnce; ++quad) {
        unsigned group = quad / quads;
        Value start = quad % quads ? Value() : begin(t, unit * groups + group);
        Value x = rows.splat(k, k.i32(), rows.codes, t,
                             unit * kUnitWeights + 4 * quad);
        for (unsigned p = 0; p < parts; ++p) {
          ByteDot32 &dot = dots[p * rows.tokens + t];
          if (start)
            dot = ByteDot32(start);
          Value weight = codes[p * kUnitQuads + quad];
          isSigned ? dot.addSigned(k, weight, x)
                   : dot.add(k, weight, x, largest);
          if (quad % quads != quads - 1)
            continue;
          Value &scale = scales[p * groups + group];
          if (!scale)
            scale = weights[p].groupScale((unit * kUnitWeights + 4 * quad) /
                                          form.group);
          Value &sum = unitSums[p * rows.tokens + t];
          Value products = k.toFloat(dot.finish(k));
          sum = sum ? k.fma(products, scale, sum) : k.mulf(products, scale);
        }
      }
  }
  for (unsigned t = 0; t < rows.tokens; ++t) {
    Value scale =
        rows.splat(k, k.f32(), rows.by32, t, rows.layout.scales + 4 * unit);
    for (unsigned p = 0; p < parts; ++p) {
      Value &sum = sums[p * rows.tokens + t];
      sum = k.fma(unitSums[p * rows.tokens + t], scale, sum);
    }
  }
}

/// Adds the minima of a record's groups, times the sums of the activations.
void GemmTile::emitMins(KernelBuilder &k, WeightDecoder &weights,
                        const TileInput &rows,
                        MutableArrayRef<Value> totals) const {
  bool by16 = layout.format->form.group == 16;
  unsigned base = by16 ? rows.layout.mins16 : rows.layout.mins32;
  Values mins;
  for (unsigned g = 0; g < layout.groups; ++g)
    mins.push_back(weights.groupMin(g));
  Value scale = weights.recordMin();
  for (unsigned t = 0; t < rows.tokens; ++t) {
    Value sum = k.constant(rows.lanes, 0.0f);
    for (unsigned g = 0; g < layout.groups; ++g)
      sum = k.fma(
          mins[g],
          rows.splat(k, k.f32(), by16 ? rows.by16 : rows.by32, t, base + 4 * g),
          sum);
    totals[t] = scale ? k.fma(sum, scale, totals[t]) : k.addf(totals[t], sum);
  }
}

/// Adds a record. Formats with super scales are summed apart and multiplied by
/// them once; the others go straight into the totals.
void GemmTile::emitRecord(KernelBuilder &k, Decoders &weights,
                          const TileInput &rows, Values &totals) const {
  unsigned units = layout.recordWeights / kUnitWeights;
  bool apart = layout.superScale >= 0;
  Values sums(totals.size(), k.constant(rows.lanes, 0.0f));
  for (unsigned unit = 0; unit < units; ++unit)
    emitUnit(k, weights, unit, rows, apart ? sums : totals);
  for (unsigned i = 0; apart && i < totals.size(); ++i)
    totals[i] =
        k.fma(sums[i], weights[i / rows.tokens].recordScale(), totals[i]);
  if (layout.format->form.min != GroupMin::None)
    for (unsigned p = 0; p < weights.size(); ++p)
      emitMins(k, weights[p], rows,
               MutableArrayRef(totals).slice(p * rows.tokens, rows.tokens));
}

/// Plain weights: float32 products, k after k.
Values GemmTile::emitPlain(KernelBuilder &k, ArrayRef<TilePart> parts,
                           Value inputRow, unsigned tokens) const {
  unsigned lanes = k.isa().lanes();
  Type element = k.plainElement(layout.format->form.plain);
  unsigned bytes = layout.unitBytes / kRowGroup;
  // Four k at a time, where they divide the width, to halve the loop's cost.
  unsigned unroll = input.getWidth() % 4 ? 1 : 4;
  Values sums(parts.size() * tokens, k.constant(lanes, 0.0f));
  return k.loop(
      k.index(0), k.index(input.getWidth()), unroll, sums,
      [&](Value column, ValueRange carried) {
        Values sums(carried), lines;
        for (const TilePart &part : parts) {
          lines.push_back(k.at(part.rowGroup, k.mul(column, layout.unitBytes)));
          for (unsigned line = 0; ahead && line < unroll * layout.unitBytes;
               line += 64)
            k.prefetch(k.at(lines.back(), ahead), line);
        }
        Value x = k.at(inputRow, k.mul(column, 4));
        for (unsigned i = 0; i < unroll; ++i) {
          Values weights;
          for (auto [part, line] : llvm::zip(parts, lines))
            weights.push_back(
                k.loadFloats(lanes, element, line,
                             i * layout.unitBytes + part.first * bytes));
          for (unsigned t = 0; t < tokens; ++t) {
            Value splat =
                k.loadSplat(lanes, k.f32(), x, t * rowBytes(input) + 4 * i);
            for (unsigned p = 0; p < parts.size(); ++p)
              sums[p * tokens + t] =
                  k.fma(weights[p], splat, sums[p * tokens + t]);
          }
        }
        return sums;
      });
}

/// Widths are multiples of this many k: a pass of the loop takes a quarter.
static constexpr unsigned kBf16Step = 32;
/// Wider rows would not fit the stack: 8 tokens of them take 1 MiB.
static constexpr unsigned kMaxBf16Width = 1 << 16;

bool GemmTile::takesBf16(const Isa &isa) const {
  return isa.bf16Dot && layout.format->form.plain == PlainType::BF16 &&
         input.getWidth() % kBf16Step == 0 && input.getWidth() <= kMaxBf16Width;
}

void GemmTile::convertRows(KernelBuilder &k, Value inputRow, unsigned tokens,
                           Value place) const {
  unsigned lanes = k.isa().lanes(), width = input.getWidth();
  for (unsigned t = 0; t < tokens; ++t) {
    Value from = k.at(inputRow, t * rowBytes(input));
    Value to = k.at(place, t * width * 2);
    k.loop(k.index(0), k.index(width), lanes, [&](Value column) {
      Value x = k.load(k.vec(lanes, k.f32()), k.at(from, k.mul(column, 4)));
      Value rounded = k.intrinsic("llvm.x86.avx512bf16.cvtneps2bf16.512",
                                  k.vec(lanes, k.ops().getBF16Type()), {x});
      k.store(rounded, k.at(to, k.mul(column, 2)));
    });
  }
}

/// The lines of two k, one behind the other, become pairs: lane r holds both k
/// of row r.
static Value pairLanes(KernelBuilder &k, Value line) {
  SmallVector<int64_t> mask;
  for (unsigned lane = 0; lane < kRowGroup; ++lane)
    mask.append({lane, kRowGroup + lane});
  return k.shuffle(line, line, mask);
}

/// bfloat16 weights and activations, two k at a time.
Values GemmTile::emitBf16(KernelBuilder &k, ArrayRef<TilePart> parts,
                          Value inputRow, unsigned tokens) const {
  unsigned lanes = k.isa().lanes(), width = input.getWidth();
  Type line = k.vec(2 * lanes, k.ops().getBF16Type());
  Values sums(parts.size() * tokens, k.constant(lanes, 0.0f));
  return k.loop(
      k.index(0), k.index(width), kBf16Step / 4, sums,
      [&](Value column, ValueRange carried) {
        Values sums(carried), lines;
        for (const TilePart &part : parts)
          lines.push_back(k.at(part.rowGroup, k.mul(column, layout.unitBytes)));
        Value x = k.at(inputRow, k.mul(column, 2));
        for (unsigned pair = 0; pair < kBf16Step / 8; ++pair) {
          unsigned offset = 2 * pair * layout.unitBytes;
          Values weights;
          for (Value at : lines) {
            if (ahead)
              k.prefetch(k.at(at, ahead), offset);
            weights.push_back(pairLanes(k, k.load(line, at, offset)));
          }
          for (unsigned t = 0; t < tokens; ++t) {
            Value both = k.bitcast(
                k.loadSplat(lanes, k.i32(), x, t * width * 2 + 4 * pair), line);
            for (unsigned p = 0; p < parts.size(); ++p) {
              Value &sum = sums[p * tokens + t];
              sum = k.intrinsic("llvm.x86.avx512bf16.dpbf16ps.512",
                                sum.getType(), {sum, weights[p], both});
            }
          }
          // Else LLVM fetches all pairs' broadcasts first, to spill them.
          sums = k.pinned(sums);
        }
        return sums;
      });
}

Values GemmTile::emit(KernelBuilder &k, ArrayRef<TilePart> parts,
                      Value inputRow, unsigned tokens) const {
  if (takesBf16(k.isa()))
    return emitBf16(k, parts, inputRow, tokens);
  if (layout.format->form.family == Family::Plain)
    return emitPlain(k, parts, inputRow, tokens);
  unsigned lanes = k.isa().lanes();
  Decoders weights;
  for (const TilePart &part : parts)
    weights.emplace_back(
        k, layout,
        RowSelection{.lanes = lanes, .first = part.first, .row = {}});
  uint64_t records =
      layout.paddedWidth(input.getWidth()) / layout.recordWeights;
  Values sums(parts.size() * tokens, k.constant(lanes, 0.0f));
  sums = k.loop(k.index(0), k.index(records), 1, sums,
                [&](Value record, ValueRange carried) {
                  Values sums(carried);
                  Value offset = k.add(k.mul(record, layout.recordBytes),
                                       layout.rowGroupHeader);
                  for (auto [decoder, part] : llvm::zip(weights, parts))
                    decoder.enterRecord(k.at(part.rowGroup, offset), ahead);
                  Value column = k.mul(record, layout.recordWeights);
                  TileInput rows =
                      tileInput(k, input, inputRow, column, tokens);
                  emitRecord(k, weights, rows, sums);
                  return sums;
                });
  for (unsigned i = 0; i < sums.size(); ++i) {
    unsigned p = i / tokens;
    if (Value scale = weights[p].tensorScale(parts[p].rowGroup))
      sums[i] = k.mulf(sums[i], scale);
  }
  return sums;
}
