/// Emits scans over recurrent states: the gated delta rule and Mamba-2. One
/// item is a block of columns of one head's state, small enough for the first
/// cache, through all tokens of the step; columns never meet, so neither
/// threads nor steps change a sum.
#include "codegen/x86/SequenceLoop.h"
#include "codegen/x86/Skeletons.h"
#include "codegen/x86/Softplus.h"

#include "codegen/x86/HoleBody.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

namespace {

class ScanEmitter {
public:
  ScanEmitter(KernelBuilder &builder, ScanAttr attr)
      : k(builder), scan(attr), block(scanBlock(attr.getValueWidth())),
        lanes(std::min(k.isa().lanes(), block)), vectors(block / lanes),
        columns(k.vec(lanes, k.f32())) {}

  void emit();

private:
  /// What one token's row gives to one item.
  struct Token {
    Value keys, queries; ///< addresses of float32[keyWidth]
    Value decay;         ///< factor of the state, in all lanes
    Value beta;          ///< delta rule only
    Values values;       ///< this block's columns of v, or of dt · x
    Values skipped;      ///< added to the result; empty: nothing
  };

  void loadOperands();
  void emitItem(Value item);
  void beginState(const SequenceRun &run, Value state);
  Token readToken(Value token);
  Value number(Value rows, unsigned stride, Value token);
  void normed(Value source, Value into, float factor);
  Values remembered(const Token &token, Value state);
  Values update(const Token &token, Values change, Value state);

  KernelBuilder &k;
  ScanAttr scan;
  unsigned block, lanes, vectors;
  VectorType columns;
  Value mixed, alpha, beta, decay, bias, skip, before, states, output;
  Value scratchKeys, scratchQueries;
  // Of the item in hand.
  Value head, keyHead, inHead, inSlot;

  uint64_t slotBytes() const {
    return uint64_t(scan.getValueHeads()) * scan.getKeyWidth() *
           scan.getValueWidth() * 4;
  }
  unsigned blockBytes() const { return scan.getKeyWidth() * block * 4; }
  unsigned outputWidth() const {
    return scan.getValueHeads() * scan.getValueWidth();
  }
};

} // namespace

void ScanEmitter::loadOperands() {
  unsigned next = 0;
  mixed = k.operand(next++);
  alpha = k.operand(next++);
  if (scan.getDelta())
    beta = k.operand(next++);
  decay = k.operand(next++);
  bias = k.operand(next++);
  if (!scan.getDelta())
    skip = k.operand(next++);
  if (!scan.getInPlace())
    before = k.operand(next++);
  states = k.operand(next++);
  output = k.operand(next++);
  if (scan.getDelta()) {
    scratchKeys = k.scratch(scan.getKeyWidth() * 4);
    scratchQueries = k.scratch(scan.getKeyWidth() * 4);
  }
}

void ScanEmitter::emit() {
  loadOperands();
  k.loop(k.begin(), k.end(), 1, [&](Value item) { emitItem(item); });
}

void ScanEmitter::emitItem(Value item) {
  unsigned blocks = scan.getValueWidth() / block;
  head = k.div(item, blocks);
  unsigned sharing = scan.getValueHeads() / scan.getKeyHeads();
  keyHead = scan.getGrouped() ? k.div(head, sharing)
                              : k.rem(head, scan.getKeyHeads());
  inHead = k.add(k.mul(head, scan.getValueWidth() * 4),
                 k.mul(k.rem(item, blocks), block * 4));
  inSlot = k.mul(item, blockBytes());
  forEachSequence(k, [&](const SequenceRun &run) {
    Value row = scan.getInPlace() ? run.slot : run.begin;
    Value state = k.at(k.at(states, k.mul(row, slotBytes())), inSlot);
    beginState(run, state);
    k.loop(run.begin, run.end, 1, [&](Value t) {
      Token token = readToken(t);
      Values change = token.values;
      if (scan.getDelta()) {
        Values known = remembered(token, state);
        for (unsigned v = 0; v < vectors; ++v)
          change[v] = k.mulf(k.subf(token.values[v], known[v]), token.beta);
      }
      Values result = update(token, change, state);
      Value out = k.at(k.at(output, k.mul(t, outputWidth() * 4)), inHead);
      for (unsigned v = 0; v < vectors; ++v)
        k.store(token.skipped.empty() ? result[v]
                                      : k.addf(result[v], token.skipped[v]),
                out, v * lanes * 4);
    });
  });
}

/// Zeros before a sequence's first token; a copy if the state is no pool.
void ScanEmitter::beginState(const SequenceRun &run, Value state) {
  Value zero = k.constant(lanes, 0.0f);
  auto fill = [&](llvm::function_ref<Value(Value)> from) {
    k.loop(k.index(0), k.index(blockBytes()), lanes * 4,
           [&](Value offset) { k.store(from(offset), k.at(state, offset)); });
  };
  if (scan.getInPlace()) {
    k.when(k.equal(k.position(run.begin), k.index(0)),
           [&] { fill([&](Value) { return zero; }); });
    return;
  }
  Value source = k.at(k.at(before, k.mul(run.begin, slotBytes())), inSlot);
  fill([&](Value offset) { return k.load(columns, k.at(source, offset)); });
}

/// This head's element of a row, or of a vector (stride 0), as a vector of 1.
Value ScanEmitter::number(Value rows, unsigned stride, Value token) {
  Value row = stride ? k.at(rows, k.mul(token, int64_t(stride) * 4)) : rows;
  return k.load(k.vec(1, k.f32()), k.at(row, k.mul(head, 4)));
}

/// source / sqrt(Σ source² + epsilon) * factor.
void ScanEmitter::normed(Value source, Value into, float factor) {
  unsigned width = scan.getKeyWidth(), wide = k.lanesFor(width);
  auto type = k.vec(wide, k.f32());
  Values sum =
      k.loop(k.index(0), k.index(width * 4), wide * 4, {k.constant(wide, 0.0f)},
             [&](Value offset, ValueRange carried) -> Values {
               Value x = k.load(type, k.at(source, offset));
               return {k.fma(x, x, carried[0])};
             });
  Value squares = k.sumLanes(sum[0]);
  float epsilon = float(scan.getEpsilon().getValueAsDouble());
  Value root = k.ops().create<math::SqrtOp>(
      k.addf(squares, k.constantLike(squares, epsilon)));
  Value scale = k.splat(k.divf(k.constantLike(root, factor), root), wide);
  k.loop(k.index(0), k.index(width * 4), wide * 4, [&](Value offset) {
    k.store(k.mulf(k.load(type, k.at(source, offset)), scale),
            k.at(into, offset));
  });
}

ScanEmitter::Token ScanEmitter::readToken(Value t) {
  unsigned keys = scan.getKeyHeads() * scan.getKeyWidth() * 4;
  Value row = k.at(mixed, k.mul(t, int64_t(scan.getMixedStride()) * 4));
  Value inKeys = k.mul(keyHead, scan.getKeyWidth() * 4);
  Value step = emitSoftplus(
      k, k.addf(number(alpha, scan.getAlphaStride(), t), number(bias, 0, t)));
  Value factor = emitExp(k, k.mulf(number(decay, 0, t), step));
  auto spread = [&](Value one) {
    return k.splat(k.ops().create<vector::ExtractOp>(one, 0), lanes);
  };
  Token token;
  token.decay = spread(factor);
  Value x;
  if (scan.getDelta()) {
    normed(k.at(row, inKeys), scratchQueries,
           1.0f / std::sqrt(float(scan.getKeyWidth())));
    normed(k.at(k.at(row, keys), inKeys), scratchKeys, 1.0f);
    token.keys = scratchKeys;
    token.queries = scratchQueries;
    token.beta = spread(emitSigmoid(k, number(beta, scan.getBetaStride(), t)));
    x = k.at(k.at(row, 2 * keys), inHead);
  } else {
    x = k.at(row, inHead);
    token.keys = k.at(k.at(row, outputWidth() * 4), inKeys);
    token.queries = k.at(token.keys, keys);
  }
  Value amount = scan.getDelta() ? Value() : spread(step);
  Value past = scan.getDelta() ? Value() : spread(number(skip, 0, t));
  for (unsigned v = 0; v < vectors; ++v) {
    Value column = k.load(columns, x, v * lanes * 4);
    token.values.push_back(amount ? k.mulf(column, amount) : column);
    if (past)
      token.skipped.push_back(k.mulf(column, past));
  }
  return token;
}

/// Rows of the state that a turn of the loops below takes: their sums alternate
/// between two sets, so that one addition need not wait for the other.
static constexpr unsigned kTurn = 4;

/// kᵀ times the decayed state.
Values ScanEmitter::remembered(const Token &token, Value state) {
  Values zeros(2 * vectors, k.constant(lanes, 0.0f));
  Values sums =
      k.loop(k.index(0), k.index(scan.getKeyWidth()), kTurn, zeros,
             [&](Value row, ValueRange carried) {
               Values sum(carried);
               Value at = k.at(state, k.mul(row, block * 4));
               Value keysAt = k.at(token.keys, k.mul(row, 4));
               for (unsigned i = 0; i < kTurn; ++i) {
                 Value key = k.loadSplat(lanes, k.f32(), keysAt, i * 4);
                 for (unsigned v = 0; v < vectors; ++v) {
                   Value s = k.load(columns, at, (i * vectors + v) * lanes * 4);
                   Value &into = sum[i % 2 * vectors + v];
                   into = k.fma(s, key, into);
                 }
               }
               return sum;
             });
  Values known;
  for (unsigned v = 0; v < vectors; ++v)
    known.push_back(k.mulf(k.addf(sums[v], sums[vectors + v]), token.decay));
  return known;
}

/// state ← decay · state + k ⊗ change; gives qᵀ times it.
Values ScanEmitter::update(const Token &token, Values change, Value state) {
  Values zeros(2 * vectors, k.constant(lanes, 0.0f));
  Values sums =
      k.loop(k.index(0), k.index(scan.getKeyWidth()), kTurn, zeros,
             [&](Value row, ValueRange carried) {
               Values sum(carried);
               Value at = k.at(state, k.mul(row, block * 4));
               Value inRow = k.mul(row, 4);
               Value keysAt = k.at(token.keys, inRow);
               Value queriesAt = k.at(token.queries, inRow);
               for (unsigned i = 0; i < kTurn; ++i) {
                 Value key = k.loadSplat(lanes, k.f32(), keysAt, i * 4);
                 Value query = k.loadSplat(lanes, k.f32(), queriesAt, i * 4);
                 for (unsigned v = 0; v < vectors; ++v) {
                   unsigned offset = (i * vectors + v) * lanes * 4;
                   Value old = k.mulf(k.load(columns, at, offset), token.decay);
                   Value s = k.fma(key, change[v], old);
                   k.store(s, at, offset);
                   Value &into = sum[i % 2 * vectors + v];
                   into = k.fma(s, query, into);
                 }
               }
               return sum;
             });
  Values result;
  for (unsigned v = 0; v < vectors; ++v)
    result.push_back(k.addf(sums[v], sums[vectors + v]));
  return result;
}

llvm::Error x86::emitScan(KernelBuilder &k, KernelOp kernel) {
  auto scan = cast<ScanAttr>(kernel.getSkeleton());
  if (scan.getChunk())
    return llvm::createStringError(
        "chunks of %u tokens; processors take one at a time", scan.getChunk());
  if (scan.getKeyWidth() % kTurn || scanBlock(scan.getValueWidth()) < 4)
    return llvm::createStringError(
        "state of %u by %u in a head; expected multiples of 4",
        scan.getKeyWidth(), scan.getValueWidth());
  ScanEmitter(k, scan).emit();
  return llvm::Error::success();
}
