/// Emits recurrent layers in plain form: states are loaded, used as values and
/// stored; gate, norm and projection are ops of their own.
#include "frontends/gguf/Recurrent.h"

#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/sinter/RecurrentOps.h"

#include "llvm/Support/FormatVariadic.h"

using namespace sinter;
using llvm::ArrayRef;
using llvm::StringRef;
using mlir::FlatSymbolRefAttr;
using mlir::Value;

void sinter::skipPredictionLayers(ModelSource &asked, Decoder &decoder) {
  int64_t count = asked.count("nextn_predict_layers", 0);
  if (count >= decoder.layers.value && count) {
    asked.refuse(llvm::formatv("{0} is {1} of {2} layers",
                               asked.keyName("nextn_predict_layers"), count,
                               decoder.layers.value));
    return;
  }
  decoder.layers.value -= count;
  for (int64_t i = 0; i < count; ++i)
    asked.skipTensors(llvm::formatv("blk.{0}.", decoder.layers.value + i).str(),
                      "prediction layer, not used");
}

void sinter::checkDivides(ModelSource &asked, const Extent &parts,
                          Extent &whole) {
  if (whole.value % parts.value == 0)
    return;
  asked.refuse(
      llvm::formatv("{0} is {1}, expected a multiple of {2}, which is {3}",
                    asked.keyName(whole.formula), whole.value,
                    asked.keyName(parts.formula), parts.value));
  whole.value = parts.value;
}

bool sinter::checkState(ModelSource &asked, const Extent &numbers) {
  // Kernels count them in 32 bits.
  if (numbers.value <= kLargestSize)
    return true;
  asked.refuse(llvm::formatv(
      "a layer's state has {0} = {1} numbers, expected at most {2}",
      numbers.formula, numbers.value, kLargestSize));
  return false;
}

std::string RecurrentLayer::name(StringRef part) const {
  return ("blk." + llvm::Twine(block.number()) + "." + part).str();
}

FlatSymbolRefAttr RecurrentLayer::vector(StringRef part, ArrayRef<Extent> shape,
                                         Need need) {
  return model.weight(name(part), shape, /*plain=*/true, need);
}

RecurrentLayer::State RecurrentLayer::state(StringRef part, const Extent &heads,
                                            const Extent &keys,
                                            const Extent &values) {
  const Extent all = heads * keys * values;
  std::string full = name(part);
  auto type = RecurrentType::get(model.builder.getContext(), heads.value,
                                 keys.value, values.value);
  Value pool = model.step.getBody().front().addArgument(type, model.at(full));
  model.states.push_back({full, pool});
  return {pool, {all.value, part.str()}};
}

/// Rows with a dimension of 1 between tokens and columns.
mlir::Type RecurrentLayer::unitRows(const Extent &width) {
  return mlir::RankedTensorType::get(
      {mlir::ShapedType::kDynamic, 1, width.value}, model.builder.getF32Type());
}

Rows RecurrentLayer::unfolded(const Rows &rows) {
  Value value = model.builder.create<FoldOp>(rows.value.getLoc(),
                                             unitRows(rows.width), rows.value);
  return {value, rows.width};
}

Rows RecurrentLayer::columns(const Rows &rows, const Extent &heads,
                             int64_t offset, const Extent &width,
                             StringRef label) {
  Value value = model.builder.create<HeadColumnsOp>(
      model.at(name(label)), model.rowsType(width), rows.value,
      model.builder.getI64IntegerAttr(heads.value),
      model.builder.getI64IntegerAttr(offset));
  return {value, width};
}

Rows RecurrentLayer::silu(const Rows &rows, StringRef label) {
  Value value = model.builder.create<SiluOp>(model.at(name(label)),
                                             rows.value.getType(), rows.value);
  return {value, rows.width};
}

Rows RecurrentLayer::swiglu(const Rows &gate, const Rows &up, StringRef label) {
  Value value = model.builder.create<SwigluOp>(
      model.at(name(label)), up.value.getType(), gate.value, up.value);
  return {value, up.width};
}

Rows RecurrentLayer::mul(const Rows &left, const Rows &right, StringRef label) {
  Value value = model.builder.create<MulOp>(
      model.at(name(label)), left.value.getType(), left.value, right.value);
  return {value, left.width};
}

Rows RecurrentLayer::convolve(const Rows &rows, const Extent &taps,
                              StringRef weight, Bias bias) {
  mlir::OpBuilder &b = model.builder;
  Extent before = {taps.value - 1, taps.formula + " - 1"};
  if (before.value < 1)
    model.asked.refuse(llvm::formatv("{0} is {1}, expected at least 2",
                                     model.asked.keyName(taps.formula),
                                     taps.value));
  if (before.value < 1 || !checkState(model.asked, before * rows.width))
    before.value = 1;
  auto kernel =
      vector((weight + ".weight").str(), {rows.width, taps}, Need::Required);
  FlatSymbolRefAttr offset;
  if (bias == Bias::Optional)
    offset = vector((weight + ".bias").str(), {rows.width}, Need::Optional);
  ++model.convolutions;
  auto [pool, width] = state("conv", Extent{1, "1"}, before, rows.width);
  mlir::Location loc = model.at(name(weight));
  Value window =
      b.create<StateLoadOp>(loc, model.rowsType(width), pool, model.batch);
  Value value = b.create<ShortConvOp>(loc, rows.value.getType(), rows.value,
                                      window, model.batch, kernel, offset);
  Value next = b.create<ConvWindowOp>(loc, window.getType(), rows.value, window,
                                      model.batch);
  b.create<StateStoreOp>(loc, next, pool, model.batch);
  return {value, rows.width};
}

Rows RecurrentLayer::outputOf(const Rows &rows, StringRef weight) {
  Extent width = decoder.hidden;
  FlatSymbolRefAttr matrix =
      model.weight(name((weight + ".weight").str()), {width, rows.width},
                   /*plain=*/false, Need::Required);
  FlatSymbolRefAttr scale =
      vector((weight + ".scale").str(), {Extent{1, "1"}}, Need::Optional);
  mlir::Location loc = model.at(name(weight));
  Value product = model.builder.create<MatmulOp>(
      loc, unitRows(width), rows.value, matrix, scale, FlatSymbolRefAttr());
  Value folded =
      model.builder.create<FoldOp>(loc, model.rowsType(width), product);
  return {folded, width};
}

Rows RecurrentLayer::shortConvBlock(const Rows &rows, const Extent &taps) {
  const Extent one = {1, "1"}, width = rows.width;
  Rows all = block.matmul(rows, "shortconv.in_proj", width + width + width);
  Rows b = columns(all, one, 0, width, "shortconv.b");
  Rows c = columns(all, one, width.value, width, "shortconv.c");
  Rows x = columns(all, one, 2 * width.value, width, "shortconv.x");
  Rows mixed =
      convolve(mul(b, x, "shortconv.bx"), taps, "shortconv.conv", Bias::None);
  return block.matmul(mul(c, mixed, "shortconv.cx"), "shortconv.out_proj",
                      width);
}

ShortConvHybrid::ShortConvHybrid(ModelBuilder &model, const Decoder &decoder)
    : model(model), decoder(decoder),
      taps(model.source().size("shortconv.l_cache")),
      cacheHeads(model.source().ofEachLayer("attention.head_count_kv",
                                            decoder.layers.value)),
      rope(model.rope(decoder, RopePairs::Halves)) {}

Rows ShortConvHybrid::mix(Block &block, const Rows &normed) {
  const bool both = model.source().describes();
  const bool attends = cacheHeads[block.number()] > 0;
  Rows mixed;
  if (both || attends)
    mixed = block.attend(
        block.rotate(block.normHeads(block.project(normed)), rope));
  if (both || !attends)
    mixed = RecurrentLayer(model, decoder, block).shortConvBlock(normed, taps);
  return mixed;
}

Rows RecurrentLayer::squaredReluFfn(const Rows &rows) {
  Rows up = block.matmul(rows, "ffn_up", decoder.feedForward, Bias::Optional);
  model.countPlain(up);
  Value inner = model.builder.create<Relu2Op>(model.at(name("ffn_relu2")),
                                              up.value.getType(), up.value);
  return block.matmul({inner, up.width}, "ffn_down", rows.width,
                      Bias::Optional);
}

Rows RecurrentLayer::normNamed(const Rows &rows, StringRef weight) {
  FlatSymbolRefAttr gain = vector(weight, {rows.width}, Need::Required);
  model.countNorm(rows);
  Value value = model.builder.create<RmsNormOp>(
      model.at(name(weight)), rows.value.getType(), rows.value, gain,
      model.builder.getF64FloatAttr(decoder.epsilon));
  return {value, rows.width};
}
