/// Emits the kernels that work element by element: elementwise and embed.
#include "codegen/x86/HoleBody.h"
#include "codegen/x86/RowWriter.h"
#include "codegen/x86/Skeletons.h"
#include "codegen/x86/WeightDecode.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

/// Values of `lanes` columns at byte `offset` of each input row, or its one
/// number.
static Value elementwiseValue(KernelBuilder &k, KernelOp kernel,
                              ValueRange rows, Value offset, unsigned lanes) {
  auto strides = cast<ElementwiseAttr>(kernel.getSkeleton()).getStrides();
  Values arguments;
  for (auto [row, stride] : llvm::zip(rows, strides))
    arguments.push_back(stride
                            ? k.load(k.vec(lanes, k.f32()), k.at(row, offset))
                            : k.splat(k.load(k.f32(), row), lanes));
  return emitBody(k, kernel.getBody(), arguments);
}

/// Columns [from, to) of one row.
static void elementwiseColumns(KernelBuilder &k, KernelOp kernel,
                               ValueRange rows, Value out, Value from,
                               Value to) {
  auto op = cast<ElementwiseAttr>(kernel.getSkeleton());
  RowAttr row = op.getOutput();
  unsigned columns = kernel.getConfigAttr().getColumns();
  if (!row.getQ8()) {
    unsigned lanes = std::min(k.lanesFor(row.getWidth()), k.lanesFor(columns));
    k.loop(k.mul(from, 4), k.mul(to, 4), lanes * 4, [&](Value offset) {
      k.store(elementwiseValue(k, kernel, rows, offset, lanes),
              k.at(out, offset));
    });
    return;
  }
  unsigned lanes = k.isa().lanes();
  k.loop(k.div(from, 32), k.div(to, 32), 1, [&](Value block) {
    Values values;
    for (unsigned i = 0; i < 32; i += lanes)
      values.push_back(elementwiseValue(
          k, kernel, rows, k.add(k.mul(block, 128), i * 4), lanes));
    writeBlock(k, row, out, block, values);
  });
  if (row.getWidth() % 256)
    k.when(k.equal(to, k.index(row.getWidth())),
           [&] { writePadding(k, row, out); });
}

llvm::Error x86::emitElementwise(KernelBuilder &k, KernelOp kernel) {
  auto op = cast<ElementwiseAttr>(kernel.getSkeleton());
  unsigned columns = kernel.getConfigAttr().getColumns();
  unsigned width = op.getOutput().getWidth();
  if (!columns || (op.getOutput().getQ8() && (columns % 32 || width % 32)))
    return llvm::createStringError(
        "rows of %u in items of %u columns; 8-bit rows need multiples of 32",
        width, columns);
  Values inputs;
  for (unsigned i = 0; i < op.getStrides().size(); ++i)
    inputs.push_back(k.operand(i));
  Value output = k.operand(inputs.size());
  unsigned chunks = (width + columns - 1) / columns;
  k.loop(k.begin(), k.end(), 1, [&](Value item) {
    Value row = k.div(item, chunks);
    Value from = k.mul(k.rem(item, chunks), columns);
    Value to = k.min(k.add(from, columns), k.index(width));
    Value source = op.getGather() ? k.outputToken(row) : row;
    Values rows;
    for (auto [input, stride] : llvm::zip(inputs, op.getStrides()))
      rows.push_back(k.at(input, k.mul(source, int64_t(stride) * 4)));
    elementwiseColumns(k, kernel, rows, rowAt(k, op.getOutput(), output, row),
                       from, to);
  });
  return llvm::Error::success();
}

/// The 32 weights of a unit, dequantised one by one.
static void embedUnit(KernelBuilder &k, WeightDecoder &weights, unsigned unit,
                      Value tensorScale, Value out) {
  const CanonicalForm &form = weights.form();
  unsigned run = std::min(kUnitWeights, form.group);
  weights.enterUnit(unit);
  for (unsigned g = 0; g < kUnitWeights / run; ++g) {
    unsigned index = (unit * kUnitWeights + g * run) / form.group;
    Value scale = weights.scale(index);
    if (tensorScale)
      scale = k.mulf(scale, tensorScale);
    Value min = form.min == GroupMin::None ? Value() : weights.min(index);
    for (unsigned i = 0; i < run; ++i) {
      unsigned inUnit = g * run + i;
      Value quad = weights.rawQuad(unit, inUnit / 4);
      Value value = k.mulf(weights.codeValue(quad, inUnit % 4), scale);
      k.store(min ? k.addf(value, min) : value, out,
              (unit * kUnitWeights + inUnit) * 4);
    }
  }
}

static void embedPlainRow(KernelBuilder &k, const PackedLayout &layout,
                          Value rowGroup, Value lane, unsigned width,
                          Value out) {
  unsigned bytes = layout.unitBytes / kRowGroup;
  Type element = k.plainElement(layout.format->form.plain);
  Value first = k.at(rowGroup, k.mul(lane, bytes));
  k.loop(k.index(0), k.index(width), 1, [&](Value column) {
    Value value =
        k.loadFloats(1, element, k.at(first, k.mul(column, layout.unitBytes)));
    k.store(value, k.at(out, k.mul(column, 4)));
  });
}

/// The row of the matrix that a token gets.
static Value rowOf(KernelBuilder &k, EmbedAttr embed, Value token) {
  if (embed.getBy() == "token")
    return k.tokenId(token);
  return embed.getBy() == "position" ? k.position(token) : k.index(0);
}

llvm::Error x86::emitEmbed(KernelBuilder &k, KernelOp kernel) {
  auto embed = cast<EmbedAttr>(kernel.getSkeleton());
  std::string name = embed.getFormat().str();
  const Format *format = findFormat(std::string_view(name));
  if (!format)
    return llvm::createStringError("weight format '%s' is unknown",
                                   name.c_str());
  PackedLayout layout = PackedLayout::of(*format);
  unsigned width = embed.getOutput().getWidth();
  if (width % layout.recordWeights && layout.recordWeights > 1 &&
      width % kUnitWeights)
    return llvm::createStringError("rows of %u; %s needs a multiple of %u",
                                   width, name.c_str(), kUnitWeights);
  Value packed = k.operand(0), output = k.operand(1);
  uint64_t groupBytes = layout.rowGroupBytes(width);
  k.loop(k.begin(), k.end(), 1, [&](Value token) {
    Value id = rowOf(k, embed, token);
    Value rowGroup = k.at(packed, k.mul(k.div(id, kRowGroup), groupBytes));
    Value row = k.rem(id, kRowGroup);
    Value out = rowAt(k, embed.getOutput(), output, token);
    if (format->form.family == Family::Plain)
      return embedPlainRow(k, layout, rowGroup, row, width, out);
    WeightDecoder weights(k, layout, {.lanes = 1, .first = 0, .row = row});
    Value tensorScale = weights.tensorScale(rowGroup);
    Value first = k.at(rowGroup, layout.rowGroupHeader);
    auto emitRecord = [&](Value record, unsigned units) {
      weights.enterRecord(k.at(first, k.mul(record, layout.recordBytes)));
      Value place = k.at(out, k.mul(record, layout.recordWeights * 4));
      for (unsigned unit = 0; unit < units; ++unit)
        embedUnit(k, weights, unit, tensorScale, place);
    };
    unsigned records = width / layout.recordWeights;
    k.loop(k.index(0), k.index(records), 1, [&](Value record) {
      emitRecord(record, layout.recordWeights / kUnitWeights);
    });
    if (unsigned rest = width % layout.recordWeights)
      emitRecord(k.index(records), rest / kUnitWeights);
  });
  return llvm::Error::success();
}
