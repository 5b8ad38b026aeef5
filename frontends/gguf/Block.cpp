/// The words of one layer.
#include "frontends/gguf/ModelBuilder.h"

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
  return model.norm(rows, name(weight), rows.width, decoder);
}

Rows Block::headNorm(const Rows &rows, StringRef weight) {
  return model.norm(rows, name(weight), decoder.keyWidth, decoder);
}

Rows Block::matmul(const Rows &rows, StringRef weight, const Extent &width,
                   Bias bias) {
  return model.matmul(rows, name(weight), width, bias);
}

Rows Block::rope(const Rows &rows, RopeAttr rope, const Extent &heads,
                 StringRef label) {
  Value value =
      model.builder.create<RopeOp>(model.at(name(label)), rows.value.getType(),
                                   rows.value, model.batch, heads.value, rope);
  return {value, rows.width};
}

Rows Block::attention(const Heads &heads) {
  ++model.attentions;
  Value cache = model.kvCache(name("kv"), decoder);
  model.builder.create<CacheWriteOp>(model.at(name("kv")), heads.keys.value,
                                     heads.values.value, cache, model.batch);
  double scale = decoder.attentionScale != 0.0
                     ? decoder.attentionScale
                     : 1.0 / std::sqrt(double(decoder.keyWidth.value));
  Extent width = decoder.heads * decoder.valueWidth;
  Value value = model.builder.create<AttentionOp>(
      model.at(name("attn")), model.rowsType(width), heads.queries.value, cache,
      model.batch, decoder.heads.value, llvm::APFloat(scale));
  return {value, width};
}

Heads Block::project(const Rows &rows) {
  Rows queries = matmul(rows, "attn_q", decoder.queries(), Bias::Optional);
  Rows keys = matmul(rows, "attn_k", decoder.keys(), Bias::Optional);
  Rows values = matmul(rows, "attn_v", decoder.values(), Bias::Optional);
  return {queries, keys, values};
}

Heads Block::normHeads(const Heads &heads) {
  Rows queries = headNorm(heads.queries, "attn_q_norm");
  Rows keys = headNorm(heads.keys, "attn_k_norm");
  return {queries, keys, heads.values};
}

Heads Block::rotate(const Heads &heads, RopeAttr queries, RopeAttr keys) {
  Rows rotated = rope(heads.queries, queries, decoder.heads, "q_rope");
  return {rotated, rope(heads.keys, keys, decoder.cacheHeads, "k_rope"),
          heads.values};
}

Rows Block::attend(const Heads &heads, Bias bias) {
  return matmul(attention(heads), "attn_output", decoder.hidden, bias);
}

Rows Block::gatedFfn(const Rows &rows, Bias bias) {
  ++model.ffns;
  Rows gate = matmul(rows, "ffn_gate", decoder.feedForward, bias);
  Rows up = matmul(rows, "ffn_up", decoder.feedForward, bias);
  Value inner = model.builder.create<SwigluOp>(
      model.at(name("ffn_swiglu")), gate.value.getType(), gate.value, up.value);
  return matmul({inner, decoder.feedForward}, "ffn_down", rows.width, bias);
}

Rows Block::add(const Rows &left, const Rows &right, StringRef label) {
  Value value = model.builder.create<AddOp>(
      model.at(name(label)), left.value.getType(), left.value, right.value);
  return {value, left.width};
}
