/// Emits short convolutions over the tokens of each sequence, with the window
/// of rows that the next step needs, and copies of recurrent states.
#include "codegen/x86/SequenceLoop.h"
#include "codegen/x86/Skeletons.h"
#include "codegen/x86/Softplus.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

namespace {

class ConvEmitter {
public:
  ConvEmitter(KernelBuilder &builder, ConvAttr attr)
      : k(builder), conv(attr), taps(attr.getTaps()),
        lanes(k.lanesFor(attr.getChannels())), type(k.vec(lanes, k.f32())) {}

  void emit();

private:
  void emitColumns(Value column);
  void loadWeights(Value column);
  Values window(const SequenceRun &run, Value column);
  Value windowAt(const SequenceRun &run, Value base, Value column);
  Values tokens(const SequenceRun &run, Value column, Values window);

  KernelBuilder &k;
  ConvAttr conv;
  unsigned taps, lanes;
  VectorType type;
  Value input, weight, bias, before, states, output;
  // Of the columns in hand.
  Values weights;
  Value offset;
};

} // namespace

void ConvEmitter::emit() {
  unsigned next = 0;
  input = k.operand(next++);
  if (!conv.getShift()) {
    weight = k.operand(next++);
    if (conv.getBias())
      bias = k.operand(next++);
  }
  (conv.getInPlace() ? states : before) = k.operand(next++);
  (conv.getShift() ? states : output) = k.operand(next++);
  unsigned channels = conv.getChannels();
  k.loop(k.begin(), k.end(), 1, [&](Value item) {
    Value from = k.mul(item, kConvChannels);
    Value to = k.min(k.add(from, kConvChannels), k.index(channels));
    k.loop(from, to, lanes, [&](Value column) { emitColumns(column); });
  });
}

/// Weights lie channel by channel; each vector takes one tap of `lanes`.
void ConvEmitter::loadWeights(Value column) {
  weights.clear();
  if (conv.getShift())
    return;
  Value all = k.load(k.vec(lanes * taps, k.f32()),
                     k.at(weight, k.mul(column, taps * 4)));
  for (unsigned tap = 0; tap < taps; ++tap) {
    SmallVector<int64_t> mask;
    for (unsigned lane = 0; lane < lanes; ++lane)
      mask.push_back(lane * taps + tap);
    weights.push_back(k.shuffle(all, all, mask));
  }
  offset = bias ? k.load(type, k.at(bias, k.mul(column, 4)))
                : k.constant(lanes, 0.0f);
}

Value ConvEmitter::windowAt(const SequenceRun &run, Value base, Value column) {
  // A pool has a slot per sequence; rows stand at the first token.
  Value row = base == states && !conv.getShift() ? run.slot : run.begin;
  uint64_t bytes = uint64_t(taps - 1) * conv.getChannels() * 4;
  return k.at(k.at(base, k.mul(row, bytes)), k.mul(column, 4));
}

/// The rows before the step's first token, the oldest first.
Values ConvEmitter::window(const SequenceRun &run, Value column) {
  Value from = windowAt(run, conv.getInPlace() ? states : before, column);
  Value first = k.equal(k.position(run.begin), k.index(0));
  Value zero = k.constant(lanes, 0.0f);
  Values rows;
  for (unsigned i = 0; i + 1 < taps; ++i) {
    Value row = k.load(type, from, i * conv.getChannels() * 4);
    rows.push_back(k.ops().create<arith::SelectOp>(first, zero, row));
  }
  return rows;
}

/// Convolves the tokens of a sequence and gives the window behind them.
Values ConvEmitter::tokens(const SequenceRun &run, Value column,
                           Values window) {
  Value inRow = k.mul(column, 4);
  return k.loop(
      run.begin, run.end, 1, window, [&](Value t, ValueRange carried) {
        Value row = k.at(input, k.mul(t, int64_t(conv.getStride()) * 4));
        Values rows(carried);
        rows.push_back(k.load(type, k.at(row, inRow)));
        if (!conv.getShift()) {
          Value sum = offset;
          for (unsigned tap = 0; tap < taps; ++tap)
            sum = k.fma(rows[tap], weights[tap], sum);
          if (conv.getSilu())
            sum = emitSilu(k, sum);
          Value out = k.at(output, k.mul(t, int64_t(conv.getChannels()) * 4));
          k.store(sum, k.at(out, inRow));
        }
        rows.erase(rows.begin());
        return rows;
      });
}

void ConvEmitter::emitColumns(Value column) {
  loadWeights(column);
  forEachSequence(k, [&](const SequenceRun &run) {
    Values last = tokens(run, column, window(run, column));
    if (!states)
      return;
    Value into = windowAt(run, states, column);
    for (auto [i, row] : llvm::enumerate(last))
      k.store(row, into, i * conv.getChannels() * 4);
  });
}

llvm::Error x86::emitConv(KernelBuilder &k, KernelOp kernel) {
  auto conv = cast<ConvAttr>(kernel.getSkeleton());
  if (conv.getTaps() < 2 || conv.getTaps() > 8)
    return llvm::createStringError("convolves %u tokens; expected 2 to 8",
                                   conv.getTaps());
  ConvEmitter(k, conv).emit();
  return llvm::Error::success();
}

llvm::Error x86::emitStateCopy(KernelBuilder &k, KernelOp kernel) {
  auto copy = cast<StateCopyAttr>(kernel.getSkeleton());
  unsigned elements = copy.getElements(), lanes = k.lanesFor(elements);
  auto type = k.vec(lanes, k.f32());
  Value from = k.operand(0), to = k.operand(1);
  uint64_t bytes = uint64_t(elements) * 4;
  forEachSequence(k, [&](const SequenceRun &run) {
    Value inPool = k.mul(run.slot, bytes), inRows = k.mul(run.begin, bytes);
    Value source = k.at(from, copy.getStore() ? inRows : inPool);
    Value target = k.at(to, copy.getStore() ? inPool : inRows);
    Value first = k.equal(k.position(run.begin), k.index(0));
    Value begin = k.mul(k.begin(), kCopyElements);
    Value end = k.min(k.mul(k.end(), kCopyElements), k.index(elements));
    k.loop(begin, end, lanes, [&](Value element) {
      Value offset = k.mul(element, 4);
      Value value = k.load(type, k.at(source, offset));
      if (!copy.getStore()) // nothing came before a sequence's first token
        value = k.ops().create<arith::SelectOp>(first, k.constant(lanes, 0.0f),
                                                value);
      k.store(value, k.at(target, offset));
    });
  });
  return llvm::Error::success();
}
