/// Emits causal attention over the paged cache: tiles of query rows that share
/// each key and value load, blocks of one page, online softmax (arXiv
/// 2205.14135). Blocks are taken in order of position and sums in order of
/// keys, so an answer depends neither on the step's size nor on threads.
#include "codegen/x86/CachePage.h"
#include "codegen/x86/HoleBody.h"
#include "codegen/x86/RowWriter.h"
#include "codegen/x86/Skeletons.h"

#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

namespace {

class AttentionEmitter {
public:
  AttentionEmitter(KernelBuilder &builder, AttentionAttr attr, unsigned tokens)
      : k(builder), attention(attr), tileTokens(tokens),
        group(attr.getHeads() / attr.getCacheHeads()),
        page{.heads = attr.getCacheHeads(),
             .keyWidth = attr.getKeyWidth(),
             .valueWidth = attr.getValueWidth(),
             .pageTokens = attr.getPageTokens(),
             .f16 = attr.getCacheF16()} {}

  void emit();

private:
  /// `tokens` consecutive tokens of one sequence and the query heads of one
  /// cache head: row r is token r / group, head r % group.
  struct Tile {
    unsigned tokens, rows;
    Value firstToken, head, slot;
    llvm::SmallVector<Value> queries, positions;
  };

  void emitTile(Value firstToken, Value head, unsigned tokens);
  void emitScores(const Tile &tile, Value keys, Value firstKey);
  void emitScoreBlocks(const Tile &tile, Value keys, Value firstKey,
                       unsigned firstRow, unsigned rows, Value keyBlock,
                       unsigned blocks);
  void emitSoftmax(const Tile &tile);
  void emitValues(const Tile &tile, Value values, Value keyCount);
  void emitResult(const Tile &tile);

  /// Rows that one pass over keys or values keeps in registers.
  unsigned rowsPerPass() const { return k.isa().wide ? 8 : 4; }
  unsigned lanes() const { return k.isa().lanes(); }
  unsigned valueLanes() const { return std::gcd(page.valueWidth, lanes()); }

  KernelBuilder &k;
  AttentionAttr attention;
  unsigned tileTokens, group;
  CachePage page;
  Value query, cache, output;
  // Work space of a tile, row by row: scores then weights [rows][pageTokens],
  // sums of values [rows][valueWidth], and vectors of equal lanes: running
  // maximum, running sum, rescale factor [rows][lanes].
  Value scores, outputs, maxima, sums, factors;
};

} // namespace

void AttentionEmitter::emit() {
  query = k.operand(0);
  cache = k.operand(1);
  output = k.operand(2);
  unsigned rows = tileTokens * group;
  scores = k.scratch(rows * page.pageTokens * 4);
  outputs = k.scratch(rows * page.valueWidth * 4);
  maxima = k.scratch(rows * lanes() * 4);
  sums = k.scratch(rows * lanes() * 4);
  factors = k.scratch(rows * lanes() * 4);
  Value tokens = k.tokenCount();
  Value tiles = k.div(k.add(tokens, tileTokens - 1), tileTokens);
  k.loop(k.begin(), k.end(), 1, [&](Value item) {
    Value head = k.ops().create<arith::DivUIOp>(item, tiles);
    Value first =
        k.mul(k.ops().create<arith::RemUIOp>(item, tiles), tileTokens);
    Value last = k.min(k.add(first, tileTokens), tokens);
    auto oneByOne = [&] {
      k.loop(first, last, 1, [&](Value token) { emitTile(token, head, 1); });
    };
    if (tileTokens == 1)
      return oneByOne();
    // A whole tile needs all its tokens, of one sequence.
    Value full = k.equal(k.add(first, tileTokens), last);
    Value same = k.equal(k.slot(first), k.slot(k.add(last, -1)));
    k.when(
        k.ops().create<arith::AndIOp>(full, same),
        [&] { emitTile(first, head, tileTokens); }, oneByOne);
  });
}

void AttentionEmitter::emitTile(Value firstToken, Value head, unsigned tokens) {
  Tile tile{.tokens = tokens,
            .rows = tokens * group,
            .firstToken = firstToken,
            .head = head,
            .slot = k.slot(firstToken),
            .queries = {},
            .positions = {}};
  Value last;
  for (unsigned t = 0; t < tokens; ++t) {
    Value token = k.add(firstToken, t);
    Value position = k.position(token);
    tile.positions.push_back(position);
    last = last ? k.ops().create<arith::MaxSIOp>(last, position).getResult()
                : position;
    Value row = k.at(query, k.mul(token, attention.getQueryStride() * 4));
    tile.queries.push_back(k.at(row, k.mul(head, group * page.keyWidth * 4)));
  }
  for (unsigned r = 0; r < tile.rows; ++r) {
    k.store(k.constant(lanes(), -INFINITY), maxima, r * lanes() * 4);
    k.store(k.constant(lanes(), 0.0f), sums, r * lanes() * 4);
  }
  k.loop(k.index(0), k.index(tile.rows * page.valueWidth * 4), 4,
         [&](Value offset) {
           k.store(
               k.ops().create<arith::ConstantOp>(k.ops().getF32FloatAttr(0.0f)),
               k.at(outputs, offset));
         });
  Value keys = k.add(last, 1);
  k.loop(k.index(0), keys, page.pageTokens, [&](Value firstKey) {
    Value block = k.div(firstKey, page.pageTokens);
    Value pageAt =
        k.at(cache, k.mul(k.page(tile.slot, block), page.pageBytes()));
    Value count =
        k.min(k.add(keys, k.mul(firstKey, -1)), k.index(page.pageTokens));
    emitScores(tile, page.keys(k, pageAt, head), firstKey);
    emitSoftmax(tile);
    emitValues(tile, page.values(k, pageAt, head), count);
  });
  emitResult(tile);
}

/// Scores of all rows with the keys of one page.
void AttentionEmitter::emitScores(const Tile &tile, Value keys,
                                  Value firstKey) {
  unsigned keyBlocks = page.pageTokens / kKeyBlock;
  for (unsigned first = 0; first < tile.rows; first += rowsPerPass()) {
    unsigned rows = std::min(rowsPerPass(), tile.rows - first);
    // Few rows: several blocks of keys at once, to have enough sums in flight.
    unsigned blocks = std::gcd(keyBlocks, std::max(1u, rowsPerPass() / rows));
    k.loop(k.index(0), k.index(keyBlocks), blocks, [&](Value keyBlock) {
      emitScoreBlocks(tile, keys, firstKey, first, rows, keyBlock, blocks);
    });
  }
}

void AttentionEmitter::emitScoreBlocks(const Tile &tile, Value keys,
                                       Value firstKey, unsigned firstRow,
                                       unsigned rows, Value keyBlock,
                                       unsigned blocks) {
  unsigned size = page.elementBytes(), parts = kKeyBlock / lanes();
  unsigned blockBytes = page.keyWidth * kKeyBlock * size;
  Value base = k.at(keys, k.mul(keyBlock, blockBytes));
  Values dots(rows * blocks * parts, k.constant(lanes(), 0.0f));
  dots = k.loop(k.index(0), k.index(page.keyWidth), 1, dots,
                [&](Value d, ValueRange carried) {
                  Values dots(carried);
                  Value line = k.at(base, k.mul(d, kKeyBlock * size));
                  Values keyVectors;
                  for (unsigned i = 0; i < blocks * parts; ++i)
                    keyVectors.push_back(k.loadFloats(
                        lanes(), page.element(k), line,
                        i / parts * blockBytes + i % parts * lanes() * size));
                  Value offset = k.mul(d, 4);
                  for (unsigned r = 0; r < rows; ++r) {
                    unsigned row = firstRow + r;
                    Value q =
                        k.loadSplat(lanes(), k.f32(),
                                    k.at(tile.queries[row / group], offset),
                                    row % group * page.keyWidth * 4);
                    for (unsigned i = 0; i < blocks * parts; ++i) {
                      Value &dot = dots[r * blocks * parts + i];
                      dot = k.fma(keyVectors[i], q, dot);
                    }
                  }
                  return dots;
                });
  Value scale =
      k.constant(lanes(), float(attention.getScale().getValueAsDouble()));
  SmallVector<int32_t> numbers(lanes());
  std::iota(numbers.begin(), numbers.end(), 0);
  Value lane = k.ops().create<arith::ConstantOp>(DenseElementsAttr::get(
      k.vec(lanes(), k.i32()), ArrayRef<int32_t>(numbers)));
  Value inPage = k.mul(keyBlock, kKeyBlock);
  Value key = k.add(firstKey, inPage);
  for (unsigned r = 0; r < rows; ++r) {
    unsigned row = firstRow + r;
    Value place = k.at(scores, k.mul(inPage, 4));
    for (unsigned i = 0; i < blocks * parts; ++i) {
      // Keys behind the token's own position score -inf.
      Value left = k.add(tile.positions[row / group],
                         k.mul(k.add(key, i * lanes()), -1));
      Value limit =
          k.splat(k.ops().create<arith::TruncIOp>(k.i32(), left), lanes());
      Value seen =
          k.ops().create<arith::CmpIOp>(arith::CmpIPredicate::sle, lane, limit);
      Value score = k.mulf(dots[r * blocks * parts + i], scale);
      k.store(k.ops().create<arith::SelectOp>(seen, score,
                                              k.constantLike(score, -INFINITY)),
              place, (row * page.pageTokens + i * lanes()) * 4);
    }
  }
}

/// Scores to weights: exp(score - running maximum); the factor by which what
/// was summed before shrinks; the running sum.
void AttentionEmitter::emitSoftmax(const Tile &tile) {
  auto type = k.vec(lanes(), k.f32());
  k.loop(k.index(0), k.index(tile.rows), 1, [&](Value row) {
    Value line = k.at(scores, k.mul(row, page.pageTokens * 4));
    Value state = k.mul(row, lanes() * 4);
    unsigned vectors = page.pageTokens / lanes();
    Value largest = k.load(type, k.at(maxima, state));
    Value before = largest;
    Values block;
    for (unsigned i = 0; i < vectors; ++i) {
      block.push_back(k.load(type, line, i * lanes() * 4));
      largest = k.maxf(largest, block.back());
    }
    largest = k.splat(k.maxLanes(largest), lanes());
    Value factor = emitExp(k, k.subf(before, largest));
    Value sum = k.mulf(k.load(type, k.at(sums, state)), factor);
    for (unsigned i = 0; i < vectors; ++i) {
      Value weight = emitExp(k, k.subf(block[i], largest));
      k.store(weight, line, i * lanes() * 4);
      sum = k.addf(sum, weight);
    }
    k.store(largest, k.at(maxima, state));
    k.store(sum, k.at(sums, state));
    k.store(factor, k.at(factors, state));
  });
}

/// outputs = outputs · factor + weights · values, over the first keyCount keys.
void AttentionEmitter::emitValues(const Tile &tile, Value values,
                                  Value keyCount) {
  unsigned size = page.elementBytes(), width = page.valueWidth;
  unsigned vl = valueLanes();
  auto type = k.vec(vl, k.f32());
  for (unsigned first = 0; first < tile.rows; first += rowsPerPass()) {
    unsigned rows = std::min(rowsPerPass(), tile.rows - first);
    // Few rows: several vectors of columns at once.
    unsigned blocks = std::gcd(width / vl, std::max(1u, rowsPerPass() / rows));
    k.loop(k.index(0), k.index(width), vl * blocks, [&](Value column) {
      Value place = k.at(outputs, k.mul(column, 4));
      Values start;
      for (unsigned i = 0; i < rows * blocks; ++i) {
        unsigned row = first + i / blocks;
        Value factor = k.loadSplat(vl, k.f32(), factors, row * lanes() * 4);
        Value old = k.load(type, place, (row * width + i % blocks * vl) * 4);
        start.push_back(k.mulf(old, factor));
      }
      Value columnAt = k.at(values, k.mul(column, size));
      Values result = k.loop(
          k.index(0), keyCount, 1, start, [&](Value key, ValueRange carried) {
            Values sums(carried);
            Value line = k.at(columnAt, k.mul(key, width * size));
            Value weightAt = k.at(scores, k.mul(key, 4));
            Values vectors;
            for (unsigned b = 0; b < blocks; ++b)
              vectors.push_back(
                  k.loadFloats(vl, page.element(k), line, b * vl * size));
            for (unsigned i = 0; i < rows * blocks; ++i) {
              unsigned row = first + i / blocks;
              Value weight =
                  k.loadSplat(vl, k.f32(), weightAt, row * page.pageTokens * 4);
              sums[i] = k.fma(weight, vectors[i % blocks], sums[i]);
            }
            return sums;
          });
      for (unsigned i = 0; i < rows * blocks; ++i)
        k.store(result[i], place,
                ((first + i / blocks) * width + i % blocks * vl) * 4);
    });
  }
}

void AttentionEmitter::emitResult(const Tile &tile) {
  RowAttr row = attention.getOutput();
  unsigned width = page.valueWidth, vl = valueLanes();
  for (unsigned r = 0; r < tile.rows; ++r) {
    Value token = k.add(tile.firstToken, r / group);
    Value out = rowAt(k, row, output, token);
    Value head = k.add(k.mul(tile.head, group), r % group);
    Value sum =
        k.sumLanes(k.load(k.vec(lanes(), k.f32()), sums, r * lanes() * 4));
    Value inverse = k.splat(k.divf(k.constantLike(sum, 1.0f), sum), vl);
    auto column = [&](Value offset) {
      Value place = k.at(k.at(outputs, int64_t(r) * width * 4), offset);
      return k.mulf(k.load(k.vec(vl, k.f32()), place), inverse);
    };
    if (!row.getQ8()) {
      Value place = k.at(out, k.mul(head, width * 4));
      k.loop(k.index(0), k.index(width * 4), vl * 4, [&](Value offset) {
        k.store(column(offset), k.at(place, offset));
      });
      continue;
    }
    k.loop(k.index(0), k.index(width / 32), 1, [&](Value block) {
      Values columns;
      for (unsigned i = 0; i < 32; i += vl)
        columns.push_back(column(k.add(k.mul(block, 128), i * 4)));
      writeBlock(k, row, out, k.add(k.mul(head, width / 32), block), columns);
    });
    if (r % group == 0 && row.getWidth() % 256)
      k.when(k.equal(tile.head, k.index(0)),
             [&] { writePadding(k, row, out); });
  }
}

llvm::Error x86::emitAttention(KernelBuilder &k, KernelOp kernel) {
  auto attention = cast<AttentionAttr>(kernel.getSkeleton());
  if (attention.getHeads() % attention.getCacheHeads() ||
      attention.getPageTokens() % kKeyBlock)
    return llvm::createStringError(
        "%u heads over %u cache heads in pages of %u tokens; expected whole "
        "groups and pages of a multiple of %u",
        attention.getHeads(), attention.getCacheHeads(),
        attention.getPageTokens(), kKeyBlock);
  if (attention.getOutput().getQ8() && attention.getValueWidth() % 32)
    return llvm::createStringError(
        "8-bit output of heads %u wide; expected a multiple of 32",
        attention.getValueWidth());
  unsigned tokens =
      kernel.getConfigAttr() ? kernel.getConfigAttr().getTokens() : 1;
  AttentionEmitter(k, attention, tokens).emit();
  return llvm::Error::success();
}
