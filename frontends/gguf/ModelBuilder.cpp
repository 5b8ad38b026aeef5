/// Emits the plain form of a model op by op. After an error the words go on
/// with harmless sizes, so that architecture files need not look at each.
#include "frontends/gguf/ModelBuilder.h"

#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/sinter/NormOps.h"

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
                                       bool plain, Need need,
                                       const Part *part) {
  std::vector<Extent> widthFirst(shape.rbegin(), shape.rend());
  std::string holder = name.str();
  if (part) {
    holder = (part->of + name.substr(name.rfind('.'))).str();
    widthFirst.back() = part->all;
  }
  PlacedTensor placed = asked.tensor(holder, widthFirst, plain, need);
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
  uint64_t offset = placed.tensor ? placed.tensor->offset : 0;
  if (part && placed.tensor)
    offset += placed.tensor->bytes / part->all.value * part->first.value;
  auto op = builder.create<WeightOp>(
      at(name), name, mlir::RankedTensorType::get(sizes, element), placed.file,
      static_cast<int64_t>(offset));
  if (part && !part->runs.empty())
    setRowRuns(op, part->runs);
  return symbol;
}

Rows ModelBuilder::embed(const Decoder &decoder) {
  vocabulary = asked.sizeOf("token_embd.weight", 1, "vocabulary");
  FlatSymbolRefAttr table =
      weight("token_embd.weight", {vocabulary, decoder.hidden},
             /*plain=*/false, Need::Required);
  FlatSymbolRefAttr scale = weight("token_embd.scale", {Extent{1, "1"}},
                                   /*plain=*/true, Need::Optional);
  bool ofFormat = asked.isScaledWhole("token_embd.weight");
  Value value =
      builder.create<EmbedOp>(at("token_embd"), rowsType(decoder.hidden), batch,
                              table, ofFormat ? scale : FlatSymbolRefAttr());
  Rows rows = {value, decoder.hidden};
  return ofFormat ? rows : scaleBy(rows, scale, "token_embd.scale");
}

Rows ModelBuilder::scale(const Rows &rows, double factor, StringRef label) {
  if (factor == 1.0)
    return rows;
  Value value = builder.create<ScaleOp>(at(label), rows.value.getType(),
                                        rows.value, llvm::APFloat(factor));
  return {value, rows.width};
}

std::vector<Block> ModelBuilder::blocks(const Decoder &decoder) {
  std::vector<Block> result;
  int64_t count = asked.describes() ? 1 : decoder.layers.value;
  if (!asked.ok())
    return result;
  for (int64_t i = 0; i < count; ++i)
    result.emplace_back(*this, decoder, i);
  return result;
}

std::vector<Block> ModelBuilder::blocks(const std::vector<Decoder> &sizes) {
  std::vector<Block> result;
  size_t count = asked.describes() ? 1 : sizes.size();
  for (size_t i = 0; i < count && asked.ok(); ++i)
    result.emplace_back(*this, sizes[i], i);
  return result;
}

Rows ModelBuilder::scaleBy(const Rows &rows, FlatSymbolRefAttr scale,
                           StringRef label) {
  if (!scale)
    return rows;
  Value value = builder.create<ScaleByOp>(at(label), rows.value.getType(),
                                          rows.value, scale);
  return {value, rows.width};
}

Rows ModelBuilder::norm(const Rows &rows, StringRef name, const Extent &width,
                        const Decoder &decoder) {
  FlatSymbolRefAttr gain =
      weight((name + ".weight").str(), {width}, /*plain=*/true, Need::Required);
  mlir::FloatAttr epsilon = builder.getF64FloatAttr(decoder.epsilon);
  Value value;
  if (decoder.norm == Norm::Rms) {
    value = builder.create<RmsNormOp>(at(name), rows.value.getType(),
                                      rows.value, gain, epsilon);
  } else {
    FlatSymbolRefAttr bias = weight((name + ".bias").str(), {width},
                                    /*plain=*/true, Need::Optional);
    value = builder.create<LayerNormOp>(at(name), rows.value.getType(),
                                        rows.value, gain, bias, epsilon,
                                        builder.getI64IntegerAttr(1));
  }
  return {value, rows.width};
}

Rows ModelBuilder::matmul(const Rows &rows, StringRef name, const Extent &width,
                          Bias bias, const Part *part) {
  FlatSymbolRefAttr matrix =
      weight((name + ".weight").str(), {width, rows.width}, /*plain=*/false,
             Need::Required, part);
  // One scale for all parts of a tensor.
  std::string holder = (part ? part->of : name).str();
  FlatSymbolRefAttr scale = weight(holder + ".scale", {Extent{1, "1"}},
                                   /*plain=*/true, Need::Optional);
  FlatSymbolRefAttr offset;
  if (bias == Bias::Optional)
    offset = weight((name + ".bias").str(), {width}, /*plain=*/true,
                    Need::Optional, part);
  bool ofFormat = asked.isScaledWhole(holder + ".weight");
  if (scale && offset && !ofFormat)
    asked.refuse("tensor " + quotedName(holder + ".scale") +
                 " scales a product that has a bias, which only NVFP4 does");
  Value value =
      builder.create<MatmulOp>(at(name), rowsType(width), rows.value, matrix,
                               ofFormat ? scale : FlatSymbolRefAttr(), offset);
  Rows product = {value, width};
  return ofFormat ? product : scaleBy(product, scale, holder + ".scale");
}

Value ModelBuilder::kvCache(StringRef name, const Decoder &decoder,
                            int64_t window) {
  auto type = KvCacheType::get(builder.getContext(), decoder.cacheHeads.value,
                               decoder.keyWidth.value, decoder.valueWidth.value,
                               kvElement, window);
  Value state = step.getBody().front().addArgument(type, at(name));
  states.push_back({name.str(), state});
  return state;
}

void ModelBuilder::head(const Rows &rows, const Decoder &decoder,
                        const LogitOptions &options) {
  mentionRankHead(decoder.hidden);
  Pooling pooling = decoderPooling(asked);
  if (pooling.wanted) {
    pooling.softmax &= options.softmaxScores;
    return decodePooled(rows, decoder, pooling);
  }
  built = decoder;
  Value wanted = builder.create<SelectRowsOp>(
      at("output_rows"), rows.value.getType(), rows.value, batch);
  Rows normed =
      norm({wanted, rows.width}, options.norm, decoder.hidden, decoder);
  Rows logits;
  PlacedTensor own = asked.tensor("output.weight", {rows.width, vocabulary},
                                  /*plain=*/false, Need::Optional);
  if (asked.describes() || own.tensor)
    logits = matmul(normed, "output", vocabulary, options.bias);
  else
    logits = matmul(normed, "token_embd", vocabulary, Bias::None);
  logits.value.setLoc(at("output")); // whichever matrix it reads
  logits = scale(logits, options.scale, "logit_scale");
  if (options.softcap != 0.0)
    logits.value =
        builder.create<SoftcapOp>(at("logit_softcap"), logits.value.getType(),
                                  logits.value, llvm::APFloat(options.softcap));
  builder.create<mlir::func::ReturnOp>(at("logits"), logits.value);
}

mlir::OwningOpRef<mlir::ModuleOp> ModelBuilder::finish(StringRef family) {
  mlir::Block &entry = step.getBody().front();
  Extent width = vocabulary;
  if (result) {
    width.value = result.getWidth();
    (*module)->setAttr("sinter.result", result);
  }
  step.setFunctionType(
      builder.getFunctionType(entry.getArgumentTypes(), {rowsType(width)}));
  for (auto [index, state] : llvm::enumerate(states))
    step.setArgAttr(1 + index, "sinter.name",
                    builder.getStringAttr(state.name));
  (*module)->setAttr("sinter.model",
                     ModelAttr::get(builder.getContext(), family,
                                    built.layers.value, attentions, ffns,
                                    built.hidden.value, vocabulary.value,
                                    built.context.value, counts()));
  return std::move(module);
}
