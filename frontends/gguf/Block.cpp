/// The words of one layer.
#include "frontends/gguf/ModelBuilder.h"

#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/sinter/EncoderOps.h"
#include "dialects/sinter/NormOps.h"

#include "llvm/ADT/Twine.h"

#include <cmath>

using namespace sinter;
using llvm::StringRef;
using mlir::Value;

Block::Block(ModelBuilder &model, const Decoder &decoder, unsigned index)
    : model(model), decoder(decoder), index(index) {}

std::string Block::name(StringRef part) const {
  return ("blk." + llvm::Twine(index) + "." + part).str();
}

Rows Block::norm(const Rows &rows, StringRef weight) {
  model.countNorm(rows);
  return model.norm(rows, name(weight), rows.width, decoder);
}

Rows Block::headNorm(const Rows &rows, StringRef weight) {
  return model.norm(rows, name(weight), decoder.keyWidth, decoder);
}

Rows Block::matmul(const Rows &rows, StringRef weight, const Extent &width,
                   Bias bias) {
  return model.matmul(rows, name(weight), width, bias);
}

Rows Block::matmul(const Rows &rows, StringRef weight, const Extent &width,
                   const Part &part, Bias bias) {
  std::string holder = name(part.of);
  Part named = part;
  named.of = holder;
  return model.matmul(rows, name(weight), width, bias, &named);
}

Rows Block::rope(const Rows &rows, RopeAttr rope, const Extent &heads,
                 StringRef label) {
  Value value =
      model.builder.create<RopeOp>(model.at(name(label)), rows.value.getType(),
                                   rows.value, model.batch, heads.value, rope);
  return {value, rows.width};
}

Rows Block::attention(const Heads &heads, const AttentionOptions &options) {
  ++model.attentions;
  if (heads.queries.value.getDefiningOp<RopeOp>())
    ++model.rotated;
  Value cache = model.kvCache(name("kv"), decoder, options.window);
  model.builder.create<CacheWriteOp>(model.at(name("kv")), heads.keys.value,
                                     heads.values.value, cache, model.batch);
  return attentionOver(cache, heads.queries, options);
}

Rows Block::attentionOver(Value cache, const Rows &queries,
                          const AttentionOptions &options) {
  mlir::OpBuilder &b = model.builder;
  double scale = decoder.attentionScale != 0.0
                     ? decoder.attentionScale
                     : 1.0 / std::sqrt(double(decoder.keyWidth.value));
  Extent width = decoder.heads * decoder.valueWidth;
  mlir::FlatSymbolRefAttr sinks;
  if (options.sinks)
    sinks = model.weight(name("attn_sinks.weight"), {decoder.heads},
                         /*plain=*/true, Need::Required);
  Value value = b.create<AttentionOp>(
      model.at(name("attn")), model.rowsType(width), queries.value, cache,
      model.batch, b.getI64IntegerAttr(decoder.heads.value),
      b.getF64FloatAttr(scale),
      options.window ? b.getI64IntegerAttr(options.window)
                     : mlir::IntegerAttr(),
      options.softcap != 0.0 ? b.getF64FloatAttr(options.softcap)
                             : mlir::FloatAttr(),
      sinks, options.bidirectional ? b.getUnitAttr() : mlir::UnitAttr(),
      options.alibi != 0.0 ? b.getF64FloatAttr(options.alibi)
                           : mlir::FloatAttr());
  return {value, width};
}

Heads Block::project(const Rows &rows) {
  Rows queries = matmul(rows, "attn_q", decoder.queries(), Bias::Optional);
  Rows keys = matmul(rows, "attn_k", decoder.keys(), Bias::Optional);
  Rows values = matmul(rows, "attn_v", decoder.values(), Bias::Optional);
  model.projected += model.joinable({queries, keys, values});
  return {queries, keys, values};
}

Heads Block::projectJoined(const Rows &rows) {
  const Extent queries = decoder.queries(), keys = decoder.keys();
  const Extent values = decoder.values(), all = queries + keys + values;
  auto part = [&](StringRef name, const Extent &first, const Extent &width) {
    return matmul(rows, name, width,
                  Part{.of = "attn_qkv", .first = first, .all = all},
                  Bias::Optional);
  };
  Rows q = part("attn_q", {0, "0"}, queries);
  Rows k = part("attn_k", queries, keys);
  Rows v = part("attn_v", queries + keys, values);
  model.projected += model.joinable({q, k, v});
  return {q, k, v};
}

Heads Block::normHeads(const Heads &heads) {
  Rows queries = headNorm(heads.queries, "attn_q_norm");
  Rows keys = headNorm(heads.keys, "attn_k_norm");
  return {queries, keys, heads.values};
}

Heads Block::normRows(const Heads &heads) {
  auto norm = [&](const Rows &rows, StringRef weight) {
    return model.norm(rows, name(weight), rows.width, decoder);
  };
  return {norm(heads.queries, "attn_q_norm"), norm(heads.keys, "attn_k_norm"),
          heads.values};
}

Heads Block::layerNormHeads(const Heads &heads) {
  mlir::OpBuilder &b = model.builder;
  auto norm = [&](const Rows &rows, StringRef weight, const Extent &count) {
    mlir::FlatSymbolRefAttr gain =
        model.weight(name((weight + ".weight").str()),
                     {count, decoder.keyWidth}, /*plain=*/true, Need::Required);
    Value value = b.create<LayerNormOp>(
        model.at(name(weight)), rows.value.getType(), rows.value, gain,
        mlir::FlatSymbolRefAttr(), b.getF64FloatAttr(decoder.epsilon),
        b.getI64IntegerAttr(count.value));
    return Rows{value, rows.width};
  };
  return {norm(heads.queries, "attn_q_norm", decoder.heads),
          norm(heads.keys, "attn_k_norm", decoder.cacheHeads), heads.values};
}

Heads Block::rotate(const Heads &heads, RopeAttr queries, RopeAttr keys) {
  Rows rotated = rope(heads.queries, queries, decoder.heads, "q_rope");
  return {rotated, rope(heads.keys, keys, decoder.cacheHeads, "k_rope"),
          heads.values};
}

Rows Block::attend(const Heads &heads, const AttentionOptions &options) {
  return project(attention(heads, options), options);
}

Rows Block::project(const Rows &attended, const AttentionOptions &options) {
  return matmul(attended, "attn_output", decoder.hidden, options.bias);
}

Rows Block::gatedDown(const Rows &gate, const Rows &up, Gate kind,
                      const Extent &width, Bias bias) {
  model.countGated(gate, up);
  mlir::OpBuilder &b = model.builder;
  mlir::Type type = gate.value.getType();
  Value inner;
  if (kind == Gate::Silu)
    inner = b.create<SwigluOp>(model.at(name("ffn_swiglu")), type, gate.value,
                               up.value);
  else if (kind == Gate::Gelu)
    inner = b.create<GegluOp>(model.at(name("ffn_geglu")), type, gate.value,
                              up.value);
  else
    inner = b.create<GegluErfOp>(model.at(name("ffn_geglu")), type, gate.value,
                                 up.value);
  return matmul({inner, decoder.feedForward}, "ffn_down", width, bias);
}

Rows Block::gatedFfn(const Rows &rows, Gate kind, Bias bias) {
  Rows gate = matmul(rows, "ffn_gate", decoder.feedForward, bias);
  Rows up = matmul(rows, "ffn_up", decoder.feedForward, bias);
  return gatedDown(gate, up, kind, rows.width, bias);
}

Rows Block::joinedFfn(const Rows &rows, Gate kind, Bias bias) {
  const Extent half = decoder.feedForward, all = half + half;
  Rows gate = matmul(rows, "ffn_gate", half,
                     Part{.of = "ffn_up", .first = {0, "0"}, .all = all}, bias);
  Rows up = matmul(rows, "ffn_up", half,
                   Part{.of = "ffn_up", .first = half, .all = all}, bias);
  return gatedDown(gate, up, kind, rows.width, bias);
}

Rows Block::plainFfn(const Rows &rows, Activation activation, Bias bias) {
  mlir::OpBuilder &b = model.builder;
  Rows up = matmul(rows, "ffn_up", decoder.feedForward, bias);
  model.countPlain(up);
  mlir::Type type = up.value.getType();
  Value inner;
  if (activation == Activation::Gelu)
    inner = b.create<GeluOp>(model.at(name("ffn_gelu")), type, up.value);
  else if (activation == Activation::GeluErf)
    inner = b.create<GeluErfOp>(model.at(name("ffn_gelu")), type, up.value);
  else
    inner = b.create<Relu2Op>(model.at(name("ffn_relu2")), type, up.value);
  return matmul({inner, up.width}, "ffn_down", rows.width, bias);
}

Rows Block::scale(const Rows &rows, double factor, StringRef label) {
  return model.scale(rows, factor, name(label));
}

Rows Block::scaleBy(const Rows &rows, StringRef weight) {
  mlir::FlatSymbolRefAttr number = model.weight(name(weight), {Extent{1, "1"}},
                                                /*plain=*/true, Need::Optional);
  return model.scaleBy(rows, number, name(weight));
}

bool Block::has(StringRef tensor) const {
  return model.asked.has(name(tensor));
}

bool Block::hasOptional(StringRef tensor) const {
  return model.asked.hasOptional(name(tensor));
}

Rows Block::add(const Rows &left, const Rows &right, StringRef label) {
  Value value = model.builder.create<AddOp>(
      model.at(name(label)), left.value.getType(), left.value, right.value);
  return {value, left.width};
}
