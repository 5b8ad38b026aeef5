/// Emits norms of groups of columns with a gate, as they stand behind scans.
#include "codegen/x86/RmsNorm.h"
#include "codegen/x86/RowWriter.h"
#include "codegen/x86/Skeletons.h"
#include "codegen/x86/Softplus.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

namespace {

/// One group of one row.
class GroupEmitter {
public:
  GroupEmitter(KernelBuilder &builder, GatedNormAttr attr)
      : k(builder), norm(attr), width(attr.getGroup()),
        lanes(attr.getOutput().getQ8() ? k.isa().lanes() : k.lanesFor(width)),
        type(k.vec(lanes, k.f32())) {}

  void emit();

private:
  Value silu(Value offset);
  Value sumOfGatedSquares();
  Value column(Value offset, Value inverse);
  void write(Value token, Value group, Value inverse);

  KernelBuilder &k;
  GatedNormAttr norm;
  unsigned width, lanes;
  VectorType type;
  Value work; ///< the gated group, where the gate comes first
  // Addresses of the group in hand; offsets count from there.
  Value row, gate, weight, output;
};

} // namespace

Value GroupEmitter::silu(Value offset) {
  return emitSilu(k, k.load(type, k.at(gate, offset)));
}

/// Of silu(gate) * x, which is kept in the work space.
Value GroupEmitter::sumOfGatedSquares() {
  Values sum = k.loop(
      k.index(0), k.index(width * 4), lanes * 4, {k.constant(lanes, 0.0f)},
      [&](Value offset, ValueRange carried) -> Values {
        Value x = k.mulf(k.load(type, k.at(row, offset)), silu(offset));
        k.store(x, k.at(work, offset));
        return {k.fma(x, x, carried[0])};
      });
  return k.sumLanes(sum[0]);
}

Value GroupEmitter::column(Value offset, Value inverse) {
  Value x = normed(k, norm.getGateFirst() ? work : row, weight, offset, inverse,
                   lanes);
  return gate && !norm.getGateFirst() ? k.mulf(x, silu(offset)) : x;
}

void GroupEmitter::write(Value token, Value group, Value inverse) {
  Value out = rowAt(k, norm.getOutput(), output, token);
  if (!norm.getOutput().getQ8()) {
    Value at = k.at(out, k.mul(group, width * 4));
    k.loop(k.index(0), k.index(width * 4), lanes * 4, [&](Value offset) {
      k.store(column(offset, inverse), k.at(at, offset));
    });
    return;
  }
  Value first = k.mul(group, width / 32);
  k.loop(k.index(0), k.index(width / 32), 1, [&](Value block) {
    Values columns;
    for (unsigned i = 0; i < 32; i += lanes)
      columns.push_back(column(k.add(k.mul(block, 128), i * 4), inverse));
    writeBlock(k, norm.getOutput(), out, k.add(first, block), columns);
  });
  unsigned groups = norm.getInput().getWidth() / width;
  if (norm.getOutput().getWidth() % 256)
    k.when(k.equal(group, k.index(groups - 1)),
           [&] { writePadding(k, norm.getOutput(), out); });
}

void GroupEmitter::emit() {
  unsigned next = 0;
  Value rows = k.operand(next++);
  Value gates = norm.getGateStride() ? k.operand(next++) : Value();
  Value weights = k.operand(next++);
  output = k.operand(next++);
  if (norm.getGateFirst())
    work = k.scratch(width * 4);
  unsigned groups = norm.getInput().getWidth() / width;
  k.loop(k.begin(), k.end(), 1, [&](Value item) {
    Value token = k.div(item, groups), group = k.rem(item, groups);
    Value inRow = k.mul(group, width * 4);
    row = k.at(rowAt(k, norm.getInput(), rows, token), inRow);
    if (gates)
      gate = k.at(k.at(gates, k.mul(token, int64_t(norm.getGateStride()) * 4)),
                  inRow);
    weight = norm.getWide() ? k.at(weights, inRow) : weights;
    Value squares = norm.getGateFirst()
                        ? sumOfGatedSquares()
                        : sumOfSquares(k, row, Value(), Value(), width);
    write(token, group,
          inverseRms(k, squares, width, norm.getEpsilon().getValueAsDouble(),
                     lanes));
  });
}

llvm::Error x86::emitGatedNorm(KernelBuilder &k, KernelOp kernel) {
  auto norm = cast<GatedNormAttr>(kernel.getSkeleton());
  unsigned width = norm.getInput().getWidth(), group = norm.getGroup();
  if (!group || width % group || (norm.getOutput().getQ8() && group % 32))
    return llvm::createStringError(
        "rows of %u in groups of %u; 8-bit rows need groups of 32", width,
        group);
  GroupEmitter(k, norm).emit();
  return llvm::Error::success();
}
