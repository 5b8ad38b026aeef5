/// Two nested loops: one over sequences, one that finds where each ends.
#include "codegen/x86/SequenceLoop.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// `value` ← next(value) while `goesOn(value)`.
static Value repeat(KernelBuilder &k, Value value,
                    function_ref<Value(Value)> goesOn,
                    function_ref<Value(Value)> next) {
  ImplicitLocOpBuilder &b = k.ops();
  auto enter = [&](OpBuilder &inner) {
    b.restoreInsertionPoint(inner.saveInsertionPoint());
  };
  auto loop = b.create<scf::WhileOp>(
      TypeRange(value.getType()), ValueRange(value),
      [&](OpBuilder &inner, Location, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        enter(inner);
        b.create<scf::ConditionOp>(goesOn(carried[0]), carried);
      },
      [&](OpBuilder &inner, Location, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        enter(inner);
        b.create<scf::YieldOp>(next(carried[0]));
      });
  return loop.getResult(0);
}

void x86::forEachSequence(KernelBuilder &k,
                          function_ref<void(const SequenceRun &)> body) {
  Value tokens = k.tokenCount();
  auto endOf = [&](Value begin, Value slot) {
    return repeat(
        k, k.add(begin, 1),
        [&](Value token) {
          // The last token's slot is read again instead of one behind it.
          Value inside = k.less(token, tokens);
          Value last = k.add(tokens, -1);
          Value same = k.equal(k.slot(k.min(token, last)), slot);
          return k.ops().create<arith::AndIOp>(inside, same).getResult();
        },
        [&](Value token) { return k.add(token, 1); });
  };
  repeat(
      k, k.index(0), [&](Value begin) { return k.less(begin, tokens); },
      [&](Value begin) {
        Value slot = k.slot(begin);
        SequenceRun run{slot, begin, endOf(begin, slot)};
        body(run);
        return run.end;
      });
}
