/// Gives matmuls of integer weights 8-bit activations, quantised once.
///
///   %q = matmul %x, @wq (q4_k)           %x8 = quantize %x : … !sinter.q8<2>
///   %k = matmul %x, @wk (q4_k)    ==>    %q = matmul %x8, @wq
///   %v = matmul %x, @wv (f16)            %k = matmul %x8, @wk
///                                        %v = matmul %x, @wv
///
/// Why: integer codes times integer codes are exact in one instruction, and a
/// row is quantised once however many matmuls read it. Which sums of a block
/// are kept beside its codes follows from the formats that read the row.
/// Test: test/passes/choose-activation-format.mlir
#include "dialects/sinter/LatentOps.h"
#include "dialects/sinter/MoeOps.h"
#include "dialects/tile/ActivationLayout.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

#include <set>

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_CHOOSEACTIVATIONFORMAT
#include "passes/Passes.h.inc"

/// The sums of an activation block that a weight's form multiplies.
static unsigned sumsFor(const CanonicalForm &form) {
  const bool by16 = form.group == 16;
  unsigned sums = 0;
  if (form.codeOffset)
    sums |= by16 ? kCodes16 : kCodes32;
  if (form.min != GroupMin::None)
    sums |= by16 ? kMins16 : kMins32;
  return sums;
}

static const Format *formatAt(SymbolTable &symbols, FlatSymbolRefAttr weight) {
  auto op = symbols.lookup<WeightOp>(weight.getValue());
  return formatOf(cast<RankedTensorType>(op.getType()).getElementType());
}

namespace {

/// The matmuls that read one value in 8-bit form.
struct Readers {
  SmallVector<OpOperand *> inputs;
  unsigned sums = 0;
  std::set<unsigned> offsets; ///< code offsets of their weights, but 0

  /// The integer sums are multiplied by the offset, if all agree on one.
  unsigned sumsAndShift() const {
    unsigned shift = offsets.size() == 1 ? llvm::Log2_32(*offsets.begin()) : 0;
    return withSumShift(sums, shift);
  }
};

struct ChooseActivationFormat
    : impl::ChooseActivationFormatBase<ChooseActivationFormat> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto step : getOperation().getOps<func::FuncOp>()) {
      llvm::MapVector<Value, Readers> readers;
      auto read = [&](OpOperand &input, FlatSymbolRefAttr weight) {
        const Format *format = formatAt(symbols, weight);
        if (!cast<RankedTensorType>(input.get().getType())
                 .getElementType()
                 .isF32() ||
            format->form.family == Family::Plain)
          return;
        Readers &entry = readers[input.get()];
        entry.inputs.push_back(&input);
        entry.sums |= sumsFor(format->form);
        if (format->form.codeOffset)
          entry.offsets.insert(format->form.codeOffset);
      };
      step.walk([&](Operation *op) {
        if (auto matmul = dyn_cast<MatmulOp>(op))
          read(matmul.getInputMutable(), matmul.getWeightAttr());
        else if (auto experts = dyn_cast<ExpertMatmulOp>(op))
          read(experts.getInputMutable(), experts.getWeightAttr());
        else if (auto heads = dyn_cast<HeadMatmulOp>(op))
          read(heads.getInputMutable(), heads.getWeightAttr());
      });
      for (auto &[input, entry] : readers)
        quantize(input, entry);
    }
  }

  void quantize(Value input, Readers &readers) {
    Operation *first = readers.inputs.front()->getOwner();
    OpBuilder builder(first);
    auto rows = cast<RankedTensorType>(input.getType());
    auto type = RankedTensorType::get(
        rows.getShape(), Q8Type::get(&getContext(), readers.sumsAndShift()));
    Operation *producer = input.getDefiningOp();
    Location location = producer ? producer->getLoc() : first->getLoc();
    Value codes = builder.create<QuantizeOp>(location, type, input);
    for (OpOperand *reader : readers.inputs)
      reader->set(codes);
  }
};

} // namespace
} // namespace sinter
