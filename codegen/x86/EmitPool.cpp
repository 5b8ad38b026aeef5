/// Emits what stands behind the layers of an encoder: a row for each sequence,
/// and softmax. Sums are taken from first to last, so an answer depends neither
/// on the step nor on threads.
#include "codegen/x86/HoleBody.h"
#include "codegen/x86/Skeletons.h"
#include "dialects/tile/Pooling.h"

#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

llvm::Error x86::emitPool(KernelBuilder &k, KernelOp kernel) {
  auto pool = cast<PoolAttr>(kernel.getSkeleton());
  unsigned width = pool.getWidth(), lanes = k.lanesFor(width);
  int64_t rowBytes = int64_t(pool.getStride()) * 4;
  bool mean = pool.getKind() == "mean";
  if (!mean && pool.getKind() != "first")
    return llvm::createStringError("pooling '%s', expected mean or first",
                                   pool.getKind().str().c_str());
  Value input = k.operand(0), output = k.operand(1);
  auto type = k.vec(lanes, k.f32());
  k.loop(k.begin(), k.end(), 1, [&](Value row) {
    Value last = k.outputToken(row);
    Value behind = k.position(last);
    Value first = k.ops().create<arith::SubIOp>(last, behind);
    Value count =
        k.ops().create<arith::SIToFPOp>(k.f32(), k.add(behind, int64_t(1)));
    Value one =
        k.ops().create<arith::ConstantOp>(k.ops().getF32FloatAttr(1.0f));
    Value share = k.splat(k.ops().create<arith::DivFOp>(one, count), lanes);
    Value out = k.at(output, k.mul(row, int64_t(width) * 4));
    k.loop(k.index(0), k.index(int64_t(width) * 4), lanes * 4,
           [&](Value offset) {
             Value column = k.at(input, offset);
             auto at = [&](Value token) {
               return k.load(type, k.at(column, k.mul(token, rowBytes)));
             };
             if (!mean)
               return k.store(at(first), k.at(out, offset));
             Values sum = k.loop(first, k.add(last, int64_t(1)), 1,
                                 {k.constant(lanes, 0.0f)},
                                 [&](Value token, ValueRange sums) -> Values {
                                   return {k.addf(sums[0], at(token))};
                                 });
             k.store(k.mulf(sum[0], share), k.at(out, offset));
           });
  });
  return llvm::Error::success();
}

llvm::Error x86::emitSoftmax(KernelBuilder &k, KernelOp kernel) {
  auto softmax = cast<SoftmaxAttr>(kernel.getSkeleton());
  int64_t bytes = int64_t(softmax.getWidth()) * 4;
  Value input = k.operand(0), output = k.operand(1);
  auto type = k.vec(1, k.f32());
  k.loop(k.begin(), k.end(), 1, [&](Value row) {
    Value in = k.at(input, k.mul(row, int64_t(softmax.getStride()) * 4));
    Value out = k.at(output, k.mul(row, bytes));
    auto fold = [&](Value start, auto step) {
      return k.loop(k.index(0), k.index(bytes), 4, {start},
                    [&](Value offset, ValueRange folded) -> Values {
                      return {step(offset, folded[0])};
                    })[0];
    };
    Value largest =
        fold(k.constant(1, -INFINITY), [&](Value offset, Value most) {
          return k.maxf(most, k.load(type, k.at(in, offset)));
        });
    Value sum = fold(k.constant(1, 0.0f), [&](Value offset, Value sum) {
      Value power = emitExp(k, k.subf(k.load(type, k.at(in, offset)), largest));
      k.store(power, k.at(out, offset));
      return k.addf(sum, power);
    });
    k.loop(k.index(0), k.index(bytes), 4, [&](Value offset) {
      Value place = k.at(out, offset);
      k.store(k.divf(k.load(type, place), sum), place);
    });
  });
  return llvm::Error::success();
}
