/// The words of layers whose attention has less of its own: keys that are
/// values, too, or no keys at all but an earlier layer's.
#include "frontends/gguf/ModelBuilder.h"

#include "dialects/sinter/NormOps.h"

#include "llvm/ADT/STLExtras.h"

using namespace sinter;
using mlir::Value;

Rows Block::projectQueries(const Rows &rows) {
  return matmul(rows, "attn_q", decoder.queries(), Bias::Optional);
}

Heads Block::projectSharedKeys(const Rows &rows) {
  Rows queries = projectQueries(rows);
  Rows keys = matmul(rows, "attn_k", decoder.keys(), Bias::Optional);
  model.projected += model.joinable({queries, keys});
  return {queries, keys, keys};
}

Heads Block::normValues(const Heads &heads) {
  mlir::OpBuilder &b = model.builder;
  const Rows &values = heads.values;
  Value normed = b.create<UnitNormOp>(
      model.at(name("attn_v_norm")), values.value.getType(), values.value,
      b.getF64FloatAttr(decoder.epsilon),
      b.getI64IntegerAttr(decoder.cacheHeads.value));
  return {heads.queries, heads.keys, {normed, values.width}};
}

Rows Block::attentionOf(unsigned owner, const Rows &queries,
                        const AttentionOptions &options) {
  ++model.attentions;
  const std::string cache = "blk." + std::to_string(owner) + ".kv";
  auto state = llvm::find_if(model.states, [&](const ModelBuilder::State &s) {
    return s.name == cache;
  });
  assert(state != model.states.end() && "the owner comes first");
  return attentionOver(state->value, queries, options);
}
