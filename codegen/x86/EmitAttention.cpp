/// Emits causal attention over the paged cache: tiles of query rows that share
/// each key and value load, blocks of one page, online softmax (arXiv
/// 2205.14135). Blocks are taken in order of position and sums in order of
/// keys, so an answer depends neither on the step's size nor on threads: pages
/// before a row's window change neither its maximum nor its sums.
#include "codegen/x86/CachePage.h"
#include "codegen/x86/HoleBody.h"
#include "codegen/x86/RowWriter.h"
#include "codegen/x86/Skeletons.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/bit.h"

#include <limits>
#include <numbers>
#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

/// A worker's stack is 8 MiB by default; no model comes near this.
static constexpr uint64_t kMaxWorkBytes = 1 << 20;

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
  /// Consecutive tokens of one sequence and the query heads of one cache head:
  /// row r is token r / group, head r % group.
  struct Tile {
    unsigned rows;
    Value firstToken, head, slot;
  };

  /// Rows from `first` (i64) on that one pass keeps in registers.
  struct Pass {
    Value first;
    unsigned rows;
  };

  void allocateWorkSpace();
  void emitTile(Value firstToken, Value head, unsigned tokens);
  Value beginRows(const Tile &tile);
  void overPasses(const Tile &tile,
                  llvm::function_ref<void(const Pass &)> body);
  void emitScores(const Pass &pass, Value keys, Value firstKey);
  Values emitDots(const Pass &pass, Value keyBlocksAt, unsigned blocks);
  void storeScores(const Pass &pass, const Values &dots, Value firstKey,
                   Value keyBlock, unsigned blocks);
  Value firstSeen(const Tile &tile);
  Value lastOfSequence(Value token);
  Value slopeOf(Value head);
  Value nearer(Value score, Value row, Value lane, Value key);
  void beginSoftmax(Value row, Value head);
  Value scaled(Value dots);
  Value isSeen(Value lane, Value left);
  void emitSoftmax(const Tile &tile);
  void emitValues(const Pass &pass, Value values, Value keyCount);
  void emitResult(const Tile &tile);
  void writeHead(Value out, Value head, Value result, Value inverse);

  /// Element `row` of work space with `bytes` for each row.
  Value ofRow(Value space, Value row, unsigned bytes) {
    return k.at(space, k.mul(row, bytes));
  }
  unsigned rowsPerPass() const { return k.isa().wide ? 8 : 4; }
  unsigned lanes() const { return k.isa().lanes(); }
  unsigned valueLanes() const { return k.lanesFor(page.valueWidth); }
  unsigned scoreBytes() const { return page.pageTokens * 4; }
  unsigned outputBytes() const { return page.valueWidth * 4; }
  unsigned stateBytes() const { return lanes() * 4; }

  KernelBuilder &k;
  AttentionAttr attention;
  unsigned tileTokens, group;
  CachePage page;
  Value query, sinks, output;
  CachePool pool;
  // Work space of a tile, row by row: address of the query, position of the
  // token; scores, then weights, of a page; sums of values; and as vectors of
  // equal lanes the running maximum, running sum and rescale factor.
  Value queries, positions, scores, outputs, maxima, sums, factors;
  // With a slope: the token's own position, and minus its head's slope.
  Value places, slopes;
};

} // namespace

/// Stack that a tile of `rows` needs, as allocateWorkSpace takes it.
static uint64_t workBytes(AttentionAttr attention, unsigned rows,
                          unsigned lanes) {
  return uint64_t(rows) *
         (16 + attention.getPageTokens() * 4 + attention.getValueWidth() * 4 +
          3 * lanes * 4 + (attention.getAlibi() ? 12 : 0));
}

void AttentionEmitter::allocateWorkSpace() {
  unsigned rows = tileTokens * group;
  queries = k.scratch(rows * 8);
  positions = k.scratch(rows * 8);
  scores = k.scratch(rows * scoreBytes());
  outputs = k.scratch(rows * outputBytes());
  maxima = k.scratch(rows * stateBytes());
  sums = k.scratch(rows * stateBytes());
  factors = k.scratch(rows * stateBytes());
  if (!attention.getAlibi())
    return;
  places = k.scratch(rows * 8);
  slopes = k.scratch(rows * 4);
}

void AttentionEmitter::emit() {
  query = k.operand(0);
  pool = CachePool::of(k, k.operand(1), attention.getRing());
  sinks = attention.getSinks() ? k.operand(2) : Value();
  output = k.operand(attention.getSinks() ? 3 : 2);
  allocateWorkSpace();
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
  Tile tile{.rows = tokens * group,
            .firstToken = firstToken,
            .head = head,
            .slot = k.slot(firstToken)};
  Value keys = k.add(beginRows(tile), 1);
  k.loop(firstSeen(tile), keys, page.pageTokens, [&](Value firstKey) {
    Value pageAt = pool.page(k, tile.slot, k.div(firstKey, page.pageTokens),
                             page.pageBytes());
    Value count =
        k.min(k.add(keys, k.mul(firstKey, -1)), k.index(page.pageTokens));
    overPasses(tile, [&](const Pass &pass) {
      emitScores(pass, page.keys(k, pageAt, head), firstKey);
    });
    emitSoftmax(tile);
    overPasses(tile, [&](const Pass &pass) {
      emitValues(pass, page.values(k, pageAt, head), count);
    });
  });
  emitResult(tile);
}

/// The first key of the first page that a row of the tile sees.
Value AttentionEmitter::firstSeen(const Tile &tile) {
  unsigned window = attention.getWindow();
  if (!window)
    return k.index(0);
  Value oldest = k.add(k.position(tile.firstToken), 1 - int64_t(window));
  oldest = k.ops().create<arith::MaxSIOp>(oldest, k.index(0));
  return k.mul(k.div(oldest, page.pageTokens), page.pageTokens);
}

/// A row's running maximum and sum before its first key. A sink is a score
/// without a value. In a window a row's first page may hold no key that it
/// sees, so its maximum must be a number.
void AttentionEmitter::beginSoftmax(Value row, Value head) {
  Value largest = k.constant(lanes(), attention.getWindow()
                                          ? std::numeric_limits<float>::lowest()
                                          : -INFINITY);
  Value sum = k.constant(lanes(), 0.0f);
  if (sinks) {
    largest = k.splat(k.load(k.f32(), k.at(sinks, k.mul(head, 4))), lanes());
    SmallVector<float> once(lanes(), 0.0f);
    once.front() = 1.0f;
    sum = k.ops().create<arith::ConstantOp>(
        DenseElementsAttr::get(k.vec(lanes(), k.f32()), ArrayRef<float>(once)));
  }
  k.store(largest, ofRow(maxima, row, stateBytes()));
  k.store(sum, ofRow(sums, row, stateBytes()));
}

/// The position of the last token of a sequence, from one of its tokens on.
Value AttentionEmitter::lastOfSequence(Value token) {
  auto &ops = k.ops();
  Value slot = k.slot(token), last = k.add(k.tokenCount(), -1);
  auto loop = ops.create<scf::WhileOp>(TypeRange{k.i64()}, ValueRange{token});
  OpBuilder::InsertionGuard guard(ops);
  Value at = ops.createBlock(&loop.getBefore(), {}, {k.i64()}, {ops.getLoc()})
                 ->getArgument(0);
  Value same = k.equal(k.slot(k.min(k.add(at, 1), last)), slot);
  ops.create<scf::ConditionOp>(
      ops.create<arith::AndIOp>(k.less(at, last), same), at);
  at = ops.createBlock(&loop.getAfter(), {}, {k.i64()}, {ops.getLoc()})
           ->getArgument(0);
  ops.create<scf::YieldOp>(ValueRange{k.add(at, 1)});
  ops.setInsertionPointAfter(loop);
  return k.position(loop.getResult(0));
}

/// Minus the slope of a head: 2^(-bias / n · (h + 1)) for the first n, a power
/// of two; heads beyond get those halfway between (arXiv 2108.12409).
Value AttentionEmitter::slopeOf(Value head) {
  double bias = attention.getAlibi().getValueAsDouble();
  unsigned whole = llvm::bit_floor(attention.getHeads());
  double step = bias / whole;
  auto &ops = k.ops();
  auto times = [&](Value number, double factor) -> Value {
    Value wide = k.splat(ops.create<arith::SIToFPOp>(k.f32(), number), 1);
    return k.mulf(wide, k.constant(1, float(-factor * std::numbers::ln2)));
  };
  Value odd = k.add(k.mul(k.add(head, -int64_t(whole)), 2), 1);
  Value power = ops.create<arith::SelectOp>(k.less(head, k.index(whole)),
                                            times(k.add(head, 1), step),
                                            times(odd, step / 2));
  Value slope = emitExp(k, power);
  return k.subf(k.constant(1, 0.0f), slope);
}

/// Scores of the keys from `key` on, less the farther they are from the row's
/// token.
Value AttentionEmitter::nearer(Value score, Value row, Value lane, Value key) {
  Value left = k.add(k.load(k.i64(), ofRow(places, row, 8)), k.mul(key, -1));
  Value own = k.splat(k.ops().create<arith::TruncIOp>(k.i32(), left), lanes());
  Value apart = k.toFloat(k.ops().create<arith::SubIOp>(lane, own));
  Value far = k.maxf(apart, k.subf(k.constantLike(apart, 0.0f), apart));
  Value slope = k.loadSplat(lanes(), k.f32(), ofRow(slopes, row, 4), 0);
  return k.fma(far, slope, score);
}

/// Fills the work space for a tile's first page; returns the last position.
Value AttentionEmitter::beginRows(const Tile &tile) {
  Value zero = k.constant(1, 0.0f), whole;
  if (attention.getBidirectional())
    whole = lastOfSequence(tile.firstToken);
  Values last =
      k.loop(k.index(0), k.index(tile.rows), 1, {k.index(0)},
             [&](Value row, ValueRange largest) -> Values {
               Value token = k.add(tile.firstToken, k.div(row, group));
               Value head = k.add(k.mul(tile.head, group), k.rem(row, group));
               Value rowAt =
                   k.at(query, k.mul(token, attention.getQueryStride() * 4));
               k.store(k.at(rowAt, k.mul(head, page.keyWidth * 4)),
                       ofRow(queries, row, 8));
               Value position = whole ? whole : k.position(token);
               k.store(position, ofRow(positions, row, 8));
               if (attention.getAlibi()) {
                 k.store(k.position(token), ofRow(places, row, 8));
                 k.store(slopeOf(head), ofRow(slopes, row, 4));
               }
               beginSoftmax(row, head);
               return {k.ops().create<arith::MaxSIOp>(largest[0], position)};
             });
  k.loop(k.index(0), k.index(tile.rows * outputBytes()), 4,
         [&](Value offset) { k.store(zero, k.at(outputs, offset)); });
  return last[0];
}

/// All rows: whole passes in a loop, so that the code of a large group is no
/// longer than that of a small one, then what is left.
void AttentionEmitter::overPasses(const Tile &tile,
                                  llvm::function_ref<void(const Pass &)> body) {
  unsigned whole = tile.rows / rowsPerPass() * rowsPerPass();
  if (whole)
    k.loop(k.index(0), k.index(whole), rowsPerPass(),
           [&](Value first) { body({.first = first, .rows = rowsPerPass()}); });
  if (unsigned rest = tile.rows - whole)
    body({.first = k.index(whole), .rows = rest});
}

/// Scores of a pass with the keys of one page.
void AttentionEmitter::emitScores(const Pass &pass, Value keys,
                                  Value firstKey) {
  unsigned keyBlocks = page.pageTokens / kKeyBlock;
  // Few rows: several blocks of keys at once, to have enough sums in flight.
  unsigned blocks =
      std::gcd(keyBlocks, std::max(1u, rowsPerPass() / pass.rows));
  unsigned blockBytes = page.keyWidth * kKeyBlock * page.elementBytes();
  k.loop(k.index(0), k.index(keyBlocks), blocks, [&](Value keyBlock) {
    Value place = k.at(keys, k.mul(keyBlock, blockBytes));
    storeScores(pass, emitDots(pass, place, blocks), firstKey, keyBlock,
                blocks);
  });
}

/// Products of each row's query with `blocks` blocks of keys, row by row.
Values AttentionEmitter::emitDots(const Pass &pass, Value keyBlocksAt,
                                  unsigned blocks) {
  unsigned size = page.elementBytes(), parts = kKeyBlock / lanes();
  unsigned vectors = blocks * parts;
  unsigned blockBytes = page.keyWidth * kKeyBlock * size;
  Values queryRows;
  for (unsigned r = 0; r < pass.rows; ++r)
    queryRows.push_back(
        k.load(query.getType(), ofRow(queries, pass.first, 8), r * 8));
  Values dots(pass.rows * vectors, k.constant(lanes(), 0.0f));
  return k.loop(k.index(0), k.index(page.keyWidth), 1, dots,
                [&](Value d, ValueRange carried) {
                  Values dots(carried), keys;
                  Value line = k.at(keyBlocksAt, k.mul(d, kKeyBlock * size));
                  for (unsigned i = 0; i < vectors; ++i)
                    keys.push_back(k.loadFloats(
                        lanes(), page.element(k), line,
                        i / parts * blockBytes + i % parts * lanes() * size));
                  Value offset = k.mul(d, 4);
                  for (unsigned r = 0; r < pass.rows; ++r) {
                    Value q = k.loadSplat(lanes(), k.f32(),
                                          k.at(queryRows[r], offset), 0);
                    for (unsigned i = 0; i < vectors; ++i)
                      dots[r * vectors + i] =
                          k.fma(keys[i], q, dots[r * vectors + i]);
                  }
                  return dots;
                });
}

/// Scores of products of query and keys.
Value AttentionEmitter::scaled(Value dots) {
  double scale = attention.getScale().getValueAsDouble();
  if (!attention.getSoftcap())
    return k.mulf(dots, k.constantLike(dots, float(scale)));
  double cap = attention.getSoftcap().getValueAsDouble();
  Value capped =
      emitTanh(k, k.mulf(dots, k.constantLike(dots, float(scale / cap))));
  return k.mulf(capped, k.constantLike(dots, float(cap)));
}

/// Which of the keys at `lane` a row sees whose own is at lane `left`.
Value AttentionEmitter::isSeen(Value lane, Value left) {
  auto compare = [&](arith::CmpIPredicate predicate, Value limit) -> Value {
    Value narrow = k.ops().create<arith::TruncIOp>(k.i32(), limit);
    return k.ops().create<arith::CmpIOp>(predicate, lane,
                                         k.splat(narrow, lanes()));
  };
  Value seen = compare(arith::CmpIPredicate::sle, left);
  if (!attention.getWindow())
    return seen;
  Value recent = compare(arith::CmpIPredicate::sgt,
                         k.add(left, -int64_t(attention.getWindow())));
  return k.ops().create<arith::AndIOp>(seen, recent);
}

/// Scores into the work space; keys that the row does not see get -inf.
void AttentionEmitter::storeScores(const Pass &pass, const Values &dots,
                                   Value firstKey, Value keyBlock,
                                   unsigned blocks) {
  unsigned vectors = blocks * kKeyBlock / lanes();
  SmallVector<int32_t> numbers(lanes());
  std::iota(numbers.begin(), numbers.end(), 0);
  Value lane = k.ops().create<arith::ConstantOp>(DenseElementsAttr::get(
      k.vec(lanes(), k.i32()), ArrayRef<int32_t>(numbers)));
  Value inPage = k.mul(keyBlock, kKeyBlock);
  Value key = k.add(firstKey, inPage);
  Value place = k.at(ofRow(scores, pass.first, scoreBytes()), k.mul(inPage, 4));
  for (unsigned r = 0; r < pass.rows; ++r) {
    Value position = k.load(k.i64(), ofRow(positions, pass.first, 8), r * 8);
    for (unsigned i = 0; i < vectors; ++i) {
      Value left = k.add(position, k.mul(k.add(key, i * lanes()), -1));
      Value score = scaled(dots[r * vectors + i]);
      if (attention.getAlibi())
        score =
            nearer(score, k.add(pass.first, r), lane, k.add(key, i * lanes()));
      k.store(k.ops().create<arith::SelectOp>(isSeen(lane, left), score,
                                              k.constantLike(score, -INFINITY)),
              place, r * scoreBytes() + i * stateBytes());
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
void AttentionEmitter::emitValues(const Pass &pass, Value values,
                                  Value keyCount) {
  unsigned size = page.elementBytes(), width = page.valueWidth;
  unsigned vl = valueLanes(), rows = pass.rows;
  auto type = k.vec(vl, k.f32());
  // Few rows: several vectors of columns at once.
  unsigned blocks = std::gcd(width / vl, std::max(1u, rowsPerPass() / rows));
  Value weights = ofRow(scores, pass.first, scoreBytes());
  Value factorsAt = ofRow(factors, pass.first, stateBytes());
  k.loop(k.index(0), k.index(width), vl * blocks, [&](Value column) {
    Value place =
        k.at(ofRow(outputs, pass.first, outputBytes()), k.mul(column, 4));
    auto offset = [&](unsigned i) {
      return i / blocks * outputBytes() + i % blocks * vl * 4;
    };
    Values start;
    for (unsigned i = 0; i < rows * blocks; ++i)
      start.push_back(k.mulf(
          k.load(type, place, offset(i)),
          k.loadSplat(vl, k.f32(), factorsAt, i / blocks * stateBytes())));
    Value columnAt = k.at(values, k.mul(column, size));
    Values result = k.loop(
        k.index(0), keyCount, 1, start, [&](Value key, ValueRange carried) {
          Values sums(carried), vectors;
          Value line = k.at(columnAt, k.mul(key, width * size));
          Value weightAt = k.at(weights, k.mul(key, 4));
          for (unsigned b = 0; b < blocks; ++b)
            vectors.push_back(
                k.loadFloats(vl, page.element(k), line, b * vl * size));
          for (unsigned i = 0; i < rows * blocks; ++i)
            sums[i] = k.fma(
                k.loadSplat(vl, k.f32(), weightAt, i / blocks * scoreBytes()),
                vectors[i % blocks], sums[i]);
          return sums;
        });
    for (unsigned i = 0; i < rows * blocks; ++i)
      k.store(result[i], place, offset(i));
  });
}

/// One head's result, `inverse` times the sums at `result`, into its row.
void AttentionEmitter::writeHead(Value out, Value head, Value result,
                                 Value inverse) {
  RowAttr row = attention.getOutput();
  unsigned width = page.valueWidth, vl = valueLanes();
  auto column = [&](Value offset) {
    Value sum = k.load(k.vec(vl, k.f32()), k.at(result, offset));
    return k.mulf(sum, inverse);
  };
  if (!row.getQ8()) {
    Value place = k.at(out, k.mul(head, width * 4));
    k.loop(k.index(0), k.index(width * 4), vl * 4,
           [&](Value offset) { k.store(column(offset), k.at(place, offset)); });
    return;
  }
  k.loop(k.index(0), k.index(width / 32), 1, [&](Value block) {
    Values columns;
    for (unsigned i = 0; i < 32; i += vl)
      columns.push_back(column(k.add(k.mul(block, 128), i * 4)));
    writeBlock(k, row, out, k.add(k.mul(head, width / 32), block), columns);
  });
}

void AttentionEmitter::emitResult(const Tile &tile) {
  RowAttr row = attention.getOutput();
  k.loop(k.index(0), k.index(tile.rows), 1, [&](Value r) {
    Value token = k.add(tile.firstToken, k.div(r, group));
    Value head = k.add(k.mul(tile.head, group), k.rem(r, group));
    Value out = rowAt(k, row, output, token);
    Value sum = k.sumLanes(
        k.load(k.vec(lanes(), k.f32()), ofRow(sums, r, stateBytes())));
    Value inverse =
        k.splat(k.divf(k.constantLike(sum, 1.0f), sum), valueLanes());
    writeHead(out, head, ofRow(outputs, r, outputBytes()), inverse);
    if (row.getQ8() && row.getWidth() % 256)
      k.when(k.equal(head, k.index(0)), [&] { writePadding(k, row, out); });
  });
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
  unsigned rows = tokens * (attention.getHeads() / attention.getCacheHeads());
  uint64_t work = workBytes(attention, rows, k.isa().lanes());
  if (work > kMaxWorkBytes)
    return llvm::createStringError(
        "%u query heads to a cache head need %llu bytes of stack; expected at "
        "most %llu",
        rows, static_cast<unsigned long long>(work),
        static_cast<unsigned long long>(kMaxWorkBytes));
  AttentionEmitter(k, attention, tokens).emit();
  return llvm::Error::success();
}
