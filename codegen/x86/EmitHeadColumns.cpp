/// Emits copies of columns of heads: a run of each, or two parts joined.
#include "codegen/x86/RowWriter.h"
#include "codegen/x86/Skeletons.h"
#include "dialects/tile/Latent.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

static void copyColumns(KernelBuilder &k, Value from, Value to,
                        unsigned width) {
  unsigned lanes = k.lanesFor(width);
  auto type = k.vec(lanes, k.f32());
  k.loop(k.index(0), k.index(width * 4), lanes * 4, [&](Value offset) {
    k.store(k.load(type, k.at(from, offset)), k.at(to, offset));
  });
}

/// The columns of one head as blocks of an 8-bit row.
static void quantizeColumns(KernelBuilder &k, RowAttr row, Value from, Value to,
                            Value head, unsigned width) {
  unsigned lanes = k.isa().lanes();
  k.loop(k.index(0), k.index(width / 32), 1, [&](Value block) {
    Values columns;
    for (unsigned i = 0; i < 32; i += lanes)
      columns.push_back(
          k.load(k.vec(lanes, k.f32()), k.at(from, k.mul(block, 128)), i * 4));
    writeBlock(k, row, to, k.add(k.mul(head, width / 32), block), columns);
  });
  if (row.getWidth() % 256)
    k.when(k.equal(head, k.index(0)), [&] { writePadding(k, row, to); });
}

llvm::Error x86::emitHeadColumns(KernelBuilder &k, KernelOp kernel) {
  auto columns = cast<HeadColumnsAttr>(kernel.getSkeleton());
  RowAttr row = columns.getOutput();
  unsigned heads = columns.getHeads(), width = row.getWidth() / heads;
  if (row.getQ8() && width % 32)
    return llvm::createStringError(
        "8-bit output of heads %u wide; expected a multiple of 32", width);
  Value input = k.operand(0), output = k.operand(1);
  k.loop(k.begin(), k.end(), 1, [&](Value item) {
    Value token = k.div(item, heads), head = k.rem(item, heads);
    Value whole = k.at(input, k.mul(token, int64_t(columns.getStride()) * 4));
    Value from = k.at(k.at(whole, k.mul(head, columns.getHeadWidth() * 4)),
                      int64_t(columns.getOffset()) * 4);
    Value to = rowAt(k, row, output, token);
    if (row.getQ8())
      return quantizeColumns(k, row, from, to, head, width);
    copyColumns(k, from, k.at(to, k.mul(head, width * 4)), width);
  });
  return llvm::Error::success();
}

llvm::Error x86::emitJoinHeads(KernelBuilder &k, KernelOp kernel) {
  auto join = cast<JoinHeadsAttr>(kernel.getSkeleton());
  unsigned heads = join.getHeads(), first = join.getFirst();
  unsigned second = join.getSecond();
  Value firsts = k.operand(0), seconds = k.operand(1), output = k.operand(2);
  k.loop(k.begin(), k.end(), 1, [&](Value item) {
    Value token = k.div(item, heads), head = k.rem(item, heads);
    Value left = k.at(firsts, k.mul(token, int64_t(join.getFirstStride()) * 4));
    Value right =
        k.at(seconds, k.mul(token, int64_t(join.getSecondStride()) * 4));
    if (!join.getShared())
      right = k.at(right, k.mul(head, int64_t(second) * 4));
    Value to = k.at(output, k.mul(item, int64_t(first + second) * 4));
    copyColumns(k, k.at(left, k.mul(head, int64_t(first) * 4)), to, first);
    copyColumns(k, right, k.at(to, int64_t(first) * 4), second);
  });
  return llvm::Error::success();
}
