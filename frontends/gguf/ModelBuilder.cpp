/// Emits the plain form of a model op by op. After an error the words go on
/// with harmless sizes, so that architecture files need not look at each.
#include "frontends/gguf/ModelBuilder.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace sinter;
using llvm::ArrayRef;
using llvm::StringRef;
using mlir::FlatSymbolRefAttr;
using mlir::Value;

ModelBuilder::ModelBuilder(ModelSource &source, mlir::MLIRContext *context,
                           mlir::Type kvElement)
    : asked(source), builder(context), kvElement(kvElement) {
  module = mlir::ModuleOp::create(at("model"));
  builder.setInsertionPointToEnd(module->getBody());
  auto type = builder.getFunctionType({BatchType::get(context)}, {});
  step = builder.create<mlir::func::FuncOp>(at("step"), "step", type);
  mlir::Block *entry = step.addEntryBlock();
  batch = entry->getArgument(0);
  builder.setInsertionPointToEnd(entry);
}

mlir::Location ModelBuilder::at(StringRef label) {
  return mlir::NameLoc::get(builder.getStringAttr(label));
}

mlir::Type ModelBuilder::rowsType(const Extent &width) {
  return mlir::RankedTensorType::get({mlir::ShapedType::kDynamic, width.value},
                                     builder.getF32Type());
}

FlatSymbolRefAttr ModelBuilder::weight(StringRef name, ArrayRef<Extent> shape,
                                       bool plain, Need need) {
  std::vector<Extent> widthFirst(shape.rbegin(), shape.rend());
  PlacedTensor placed = asked.tensor(name, widthFirst, plain, need);
  if (!placed.tensor && need == Need::Optional && !asked.describes())
    return {};
  auto symbol = FlatSymbolRefAttr::get(builder.getContext(), name);
  if (!declared.insert(name).second)
    return symbol;
  llvm::SmallVector<int64_t> sizes;
  for (const Extent &extent : shape)
    sizes.push_back(extent.value);
  const Format *format =
      placed.tensor ? findFormat(placed.tensor->type) : nullptr;
  mlir::Type element = format ? elementTypeFor(*format, builder.getContext())
                              : builder.getF32Type();
  mlir::OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(step);
  builder.create<WeightOp>(
      at(name), name, mlir::RankedTensorType::get(sizes, element), placed.file,
      placed.tensor ? static_cast<int64_t>(placed.tensor->offset) : 0);
  return symbol;
}

Decoder ModelBuilder::decoder() {
  Decoder d;
  d.layers = asked.size("block_count");
  d.context = asked.size("context_length");
  d.hidden = asked.size("embedding_length");
  d.feedForward = asked.size("feed_forward_length");
  d.heads = asked.size("attention.head_count");
  d.cacheHeads = asked.size("attention.head_count_kv", d.heads);
  Extent headWidth = d.hidden / d.heads;
  d.keyWidth = asked.size("attention.key_length", headWidth);
  d.valueWidth = asked.size("attention.value_length", headWidth);
  d.epsilon = asked.number("attention.layer_norm_rms_epsilon", std::nullopt);
  d.attentionScale = asked.number("attention.scale", 0.0);
  asked.refuseOtherMaths();
  if (d.heads.value % d.cacheHeads.value)
    asked.refuse(
        llvm::formatv("{0} is {1}, expected a multiple of {2}, which is {3}",
                      asked.keyName(d.heads.formula), d.heads.value,
                      asked.keyName(d.cacheHeads.formula), d.cacheHeads.value));
  if (d.keyWidth.value < 1 || d.valueWidth.value < 1) {
    asked.refuse(llvm::formatv("{0} is {1}, expected at most {2}, which is {3}",
                               asked.keyName(d.heads.formula), d.heads.value,
                               asked.keyName(d.hidden.formula),
                               d.hidden.value));
    d.keyWidth.value = d.valueWidth.value = 1;
  }
  if (d.epsilon < 0.0)
    asked.refuse(
        llvm::formatv("{0} is {1}, expected a number from 0",
                      asked.keyName("attention.layer_norm_rms_epsilon"),
                      plainNumber(d.epsilon)));
  return d;
}

/// The YaRN parameters (arXiv 2309.00071). The factor of cos and sin is
/// 0.1 · ln(factor) + 1; a log multiplier m divides it by the same with
/// 0.1 · m, as DeepSeek and Mistral use it.
mlir::DenseF64ArrayAttr ModelBuilder::yarn(const Decoder &decoder,
                                           double factor, bool extrapolate) {
  Extent original =
      asked.size("rope.scaling.original_context_length", decoder.context);
  double mix = asked.number("rope.scaling.yarn_ext_factor", 1.0);
  double amplitude = asked.number("rope.scaling.attn_factor", 1.0);
  double fast = asked.number("rope.scaling.yarn_beta_fast", 32.0);
  double slow = asked.number("rope.scaling.yarn_beta_slow", 1.0);
  double multiplier = asked.number("rope.scaling.yarn_log_multiplier", 0.0);
  if (!extrapolate && amplitude == 1.0)
    return {};
  if (!extrapolate)
    mix = 0.0;
  double growth = factor > 1.0 ? 0.1 * std::log(factor) : 0.0;
  if (mix != 0.0)
    amplitude *= (growth + 1.0) / (multiplier * growth + 1.0);
  if (!std::isfinite(amplitude) || fast <= 0.0 || slow <= 0.0)
    asked.refuse(llvm::formatv("{0} with beta fast {1} and beta slow {2} "
                               "cannot be computed, expected numbers above 0",
                               asked.keyName("rope.scaling.type"),
                               plainNumber(fast), plainNumber(slow)));
  return builder.getDenseF64ArrayAttr({factor,
                                       static_cast<double>(original.value), mix,
                                       amplitude, fast, slow});
}

RopeAttr ModelBuilder::rope(const Decoder &decoder, RopePairs pairs,
                            StringRef factors) {
  Extent width = asked.size("rope.dimension_count", decoder.keyWidth);
  double base = asked.number("rope.freq_base", 10000.0);
  std::string type = asked.word("rope.scaling.type", "linear");
  double linear = asked.number("rope.scale_linear", 1.0);
  double factor = asked.number("rope.scaling.factor", linear);
  if (factor == 0.0 || type == "none")
    factor = 1.0; // 0 is how some writers say none
  if (width.value % 2 || width.value > decoder.keyWidth.value)
    asked.refuse(llvm::formatv(
        "{0} is {1}, expected an even number up to the head's width {2}",
        asked.keyName("rope.dimension_count"), width.value,
        decoder.keyWidth.value));
  if (base <= 0.0)
    asked.refuse(llvm::formatv("{0} is {1}, expected a number above 0",
                               asked.keyName("rope.freq_base"),
                               plainNumber(base)));
  if (factor < 0.0)
    asked.refuse(llvm::formatv("{0} is {1}, expected a number above 0",
                               asked.keyName("rope.scaling.factor"),
                               plainNumber(factor)));
  if (type != "none" && type != "linear" && type != "yarn")
    asked.refuse(llvm::formatv("{0} is {1}, expected none, linear or yarn",
                               asked.keyName("rope.scaling.type"),
                               quotedName(type)));
  FlatSymbolRefAttr table;
  if (!factors.empty())
    table = weight(factors, {width / Extent{2, "2"}}, /*plain=*/true,
                   Need::Optional);
  mlir::DenseF64ArrayAttr scaled = yarn(decoder, factor, type == "yarn");
  bool plainLinear = !scaled && factor != 1.0;
  return RopeAttr::get(
      builder.getContext(), width.value, builder.getF64FloatAttr(base),
      pairs == RopePairs::Halves, table,
      plainLinear ? builder.getF64FloatAttr(factor) : mlir::FloatAttr(), scaled,
      /*temperature=*/{});
}

RopeAttr ModelBuilder::queryRope(RopeAttr rope, const Decoder &decoder) {
  constexpr const char *kScale = "attention.temperature_scale";
  double scale = asked.number(kScale, 0.0);
  if (scale == 0.0)
    return rope;
  double length =
      asked.size("rope.scaling.original_context_length", decoder.context).value;
  // The factor rides on cosines and sines, which the rest of a head has not.
  if (rope.getWidth() != decoder.keyWidth.value)
    asked.refuse(llvm::formatv(
        "{0} is {1}, but {2} is {3}, expected all {4} elements of a head",
        asked.keyName(kScale), plainNumber(scale),
        asked.keyName("rope.dimension_count"), rope.getWidth(),
        decoder.keyWidth.value));
  return RopeAttr::get(builder.getContext(), rope.getWidth(), rope.getBase(),
                       rope.getNeox(), rope.getFactors(), rope.getLinear(),
                       rope.getYarn(),
                       builder.getDenseF64ArrayAttr({scale, length}));
}

Rows ModelBuilder::embed(const Decoder &decoder) {
  vocabulary = asked.sizeOf("token_embd.weight", 1, "vocabulary");
  FlatSymbolRefAttr table =
      weight("token_embd.weight", {vocabulary, decoder.hidden},
             /*plain=*/false, Need::Required);
  FlatSymbolRefAttr scale = weight("token_embd.scale", {Extent{1, "1"}},
                                   /*plain=*/true, Need::Optional);
  Value rows = builder.create<EmbedOp>(
      at("token_embd"), rowsType(decoder.hidden), batch, table, scale);
  return {rows, decoder.hidden};
}

std::vector<Block> ModelBuilder::blocks(const Decoder &decoder) {
  std::vector<Block> result;
  int64_t count = asked.describes() ? 1 : decoder.layers.value;
  // Each layer has weights, so this bounds the work for a key that lies.
  auto tensors = static_cast<int64_t>(asked.tensorCount());
  if (!asked.describes() && count > tensors)
    asked.refuse(llvm::formatv("{0} is {1}, but the file has only {2} tensors",
                               asked.keyName(decoder.layers.formula), count,
                               tensors));
  if (!asked.ok())
    return result;
  for (int64_t i = 0; i < count; ++i)
    result.emplace_back(*this, decoder, i);
  return result;
}

Rows ModelBuilder::norm(const Rows &rows, StringRef name, const Extent &width,
                        const Decoder &decoder) {
  FlatSymbolRefAttr gain =
      weight((name + ".weight").str(), {width}, /*plain=*/true, Need::Required);
  Value value =
      builder.create<RmsNormOp>(at(name), rows.value.getType(), rows.value,
                                gain, builder.getF64FloatAttr(decoder.epsilon));
  return {value, rows.width};
}

Rows ModelBuilder::matmul(const Rows &rows, StringRef name, const Extent &width,
                          Bias bias) {
  FlatSymbolRefAttr matrix =
      weight((name + ".weight").str(), {width, rows.width}, /*plain=*/false,
             Need::Required);
  FlatSymbolRefAttr scale = weight((name + ".scale").str(), {Extent{1, "1"}},
                                   /*plain=*/true, Need::Optional);
  FlatSymbolRefAttr offset;
  if (bias == Bias::Optional)
    offset =
        weight((name + ".bias").str(), {width}, /*plain=*/true, Need::Optional);
  Value value = builder.create<MatmulOp>(at(name), rowsType(width), rows.value,
                                         matrix, scale, offset);
  return {value, width};
}

Value ModelBuilder::kvCache(StringRef name, const Decoder &decoder) {
  auto type = KvCacheType::get(builder.getContext(), decoder.cacheHeads.value,
                               decoder.keyWidth.value, decoder.valueWidth.value,
                               kvElement);
  Value state = step.getBody().front().addArgument(type, at(name));
  states.push_back({name.str(), state});
  return state;
}

void ModelBuilder::head(const Rows &rows, const Decoder &decoder, Bias bias) {
  built = decoder;
  Value wanted = builder.create<SelectRowsOp>(
      at("output_rows"), rows.value.getType(), rows.value, batch);
  Rows normed =
      norm({wanted, rows.width}, "output_norm", decoder.hidden, decoder);
  Rows logits;
  PlacedTensor own = asked.tensor("output.weight", {rows.width, vocabulary},
                                  /*plain=*/false, Need::Optional);
  if (asked.describes() || own.tensor)
    logits = matmul(normed, "output", vocabulary, bias);
  else
    logits = matmul(normed, "token_embd", vocabulary, Bias::None);
  builder.create<mlir::func::ReturnOp>(at("logits"), logits.value);
}

mlir::OwningOpRef<mlir::ModuleOp> ModelBuilder::finish(StringRef family) {
  mlir::Block &entry = step.getBody().front();
  step.setFunctionType(builder.getFunctionType(entry.getArgumentTypes(),
                                               {rowsType(vocabulary)}));
  for (auto [index, state] : llvm::enumerate(states))
    step.setArgAttr(1 + index, "sinter.name",
                    builder.getStringAttr(state.name));
  (*module)->setAttr("sinter.model",
                     ModelAttr::get(builder.getContext(), family,
                                    built.layers.value, attentions, ffns,
                                    built.hidden.value, vocabulary.value,
                                    built.context.value));
  return std::move(module);
}
