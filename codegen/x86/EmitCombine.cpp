/// Emits weighted sums of the rows of a token: the outputs of its experts, or a
/// shared expert's behind its gate.
#include "codegen/x86/HoleBody.h"
#include "codegen/x86/Skeletons.h"
#include "dialects/tile/Experts.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

/// The weight of one row, in all lanes.
static Value weightOf(KernelBuilder &k, CombineAttr combine, Value weights,
                      unsigned slot, unsigned lanes) {
  Value x = k.loadSplat(lanes, k.f32(), weights, slot * 4);
  if (!combine.getSigmoid())
    return x;
  Value power = emitExp(k, k.subf(k.constantLike(x, 0.0f), x));
  Value one = k.constantLike(x, 1.0f);
  return k.divf(one, k.addf(one, power));
}

llvm::Error x86::emitCombine(KernelBuilder &k, KernelOp kernel) {
  auto combine = cast<CombineAttr>(kernel.getSkeleton());
  unsigned width = combine.getWidth(), slots = combine.getSlots();
  unsigned columns = kernel.getConfigAttr().getColumns();
  if (!columns)
    return llvm::createStringError("rows of %u in items of no columns", width);
  unsigned chunks = (width + columns - 1) / columns;
  unsigned lanes = std::min(k.lanesFor(width), k.lanesFor(columns));
  Value rows = k.operand(0), weights = k.operand(1), output = k.operand(2);
  k.loop(k.begin(), k.end(), 1, [&](Value item) {
    Value token = k.div(item, chunks);
    Value from = k.mul(k.rem(item, chunks), columns * 4);
    Value to = k.min(k.add(from, columns * 4), k.index(int64_t(width) * 4));
    Value in = k.at(rows, k.mul(token, int64_t(slots) * width * 4));
    Value out = k.at(output, k.mul(token, int64_t(width) * 4));
    Value own = k.at(weights, k.mul(token, int64_t(combine.getStride()) * 4));
    Values factors;
    for (unsigned slot = 0; slot < slots; ++slot)
      factors.push_back(weightOf(k, combine, own, slot, lanes));
    k.loop(from, to, lanes * 4, [&](Value offset) {
      Value sum;
      for (unsigned slot = 0; slot < slots; ++slot) {
        Value x = k.load(k.vec(lanes, k.f32()),
                         k.at(k.at(in, int64_t(slot) * width * 4), offset));
        sum = sum ? k.fma(factors[slot], x, sum) : k.mulf(factors[slot], x);
      }
      k.store(sum, k.at(out, offset));
    });
  });
  return llvm::Error::success();
}
