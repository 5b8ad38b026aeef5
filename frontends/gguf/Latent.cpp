/// Emits multi-head latent attention op by op: absorbed, where the file has a
/// matrix for each head, else with whole keys and values.
#include "frontends/gguf/Latent.h"

#include "dialects/sinter/LatentOps.h"
#include "dialects/sinter/RecurrentOps.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace sinter;
using llvm::StringRef;
using mlir::Value;

/// What `whole` has beyond `part`.
static Extent rest(ModelSource &asked, const Extent &whole,
                   const Extent &part) {
  if (part.value < whole.value)
    return {whole.value - part.value, whole.formula + " - " + part.formula};
  asked.refuse(llvm::formatv("{0} is {1}, expected less than {2}, which is {3}",
                             asked.keyName(part.formula), part.value,
                             asked.keyName(whole.formula), whole.value));
  return {1, whole.formula + " - " + part.formula};
}

LatentAttention::LatentAttention(ModelBuilder &model, Decoder &decoder)
    : model(model), decoder(decoder), heads(decoder.heads) {
  ModelSource &asked = model.source();
  whole = asked.hasOptional("blk.0.attn_kv_b.weight") &&
          !asked.has("blk.0.attn_k_b.weight");
  Extent key = asked.size("attention.key_length_mla", decoder.keyWidth);
  value = asked.size("attention.value_length_mla", decoder.valueWidth);
  rank = asked.size("attention.kv_lora_rank");
  queryRank = {asked.count("attention.q_lora_rank", 0),
               "attention.q_lora_rank"};
  if (asked.describes())
    queryRank.value = 1;
  if (whole)
    decoder.cacheHeads = heads;
  rotary = asked.size("rope.dimension_count", key);
  if (asked.describes()) // one size for all; some of a head must not rotate
    key.value = 2 * rotary.value;
  decoder.keyWidth = key;
  decoder.valueWidth = value;
  still = rest(asked, key, rotary);
  rope = readRope();
  // What only some files have: queries without the detour, keys and values of
  // all heads in one matrix.
  asked.mention("blk.0.attn_q", decoder.hidden, heads * key);
  asked.mention("blk.0.attn_kv_b", rank, heads * (still + value));
}

/// YaRN as DeepSeek has it: its log multiplier m, which files hold as 0.1 · m,
/// goes to the scores, by the square of 1 + 0.1 · m · ln(factor), and leaves
/// cosines and sines as they are.
RopeAttr LatentAttention::readRope() {
  ModelSource &asked = model.source();
  RopeAttr read = model.rope(decoder, RopePairs::Interleaved);
  scale = decoder.attentionScale != 0.0
              ? decoder.attentionScale
              : 1.0 / std::sqrt(double(decoder.keyWidth.value));
  double multiplier = asked.number("rope.scaling.yarn_log_multiplier", 0.0);
  mlir::DenseF64ArrayAttr yarn = read.getYarn();
  if (!yarn || multiplier == 0.0)
    return model.queryRope(read, decoder);
  double growth = yarn[0] > 1.0 ? std::log(yarn[0]) : 0.0;
  double sharper = 1.0 + multiplier * growth;
  scale *= sharper * sharper;
  llvm::SmallVector<double> numbers(yarn.asArrayRef());
  numbers[3] = asked.number("rope.scaling.attn_factor", 1.0);
  return model.queryRope(
      RopeAttr::get(read.getContext(), read.getWidth(), read.getBase(),
                    read.getNeox(), read.getFactors(), read.getLinear(),
                    model.builder.getDenseF64ArrayAttr(numbers),
                    read.getTemperature(), read.getLongFactors(),
                    read.getLongFrom()),
      decoder);
}

std::string LatentAttention::name(const Block &layer, StringRef part) const {
  return ("blk." + llvm::Twine(layer.number()) + "." + part).str();
}

Rows LatentAttention::columns(Block &layer, const Rows &rows,
                              const Extent &count, int64_t first,
                              const Extent &width, StringRef label) {
  Extent all = count * width;
  Value result = model.builder.create<HeadColumnsOp>(
      model.at(name(layer, label)), model.rowsType(all), rows.value,
      model.builder.getI64IntegerAttr(count.value),
      model.builder.getI64IntegerAttr(first));
  return {result, all};
}

/// `rows` of heads of `in` columns, each by its matrix of `weight`.
Rows LatentAttention::headMatmul(Block &layer, const Rows &rows,
                                 StringRef weight, const Extent &in,
                                 const Extent &out) {
  std::string label = name(layer, weight);
  ModelSource &asked = model.source();
  if (asked.hasOptional(label + ".scale"))
    asked.refuse(llvm::formatv("tensor '{0}.scale' scales the matrices of "
                               "heads, expected none",
                               label));
  mlir::FlatSymbolRefAttr matrices = model.weight(
      label + ".weight", {heads, out, in}, /*plain=*/false, Need::Required);
  Extent all = heads * out;
  Value result = model.builder.create<HeadMatmulOp>(
      model.at(label), model.rowsType(all), rows.value, matrices);
  return {result, all};
}

Rows LatentAttention::join(Block &layer, const Rows &first, const Rows &second,
                           StringRef label) {
  Extent all = heads * (still + rotary);
  Value result = model.builder.create<JoinHeadsOp>(
      model.at(name(layer, label)), model.rowsType(all), first.value,
      second.value, heads.value);
  return {result, all};
}

Rows LatentAttention::queries(Block &layer, const Rows &projected) {
  if (!queryRank.value)
    return projected;
  Rows low =
      model.norm(projected, name(layer, "attn_q_a_norm"), queryRank, decoder);
  return layer.matmul(low, "attn_q_b", decoder.queries());
}

Rows LatentAttention::absorbed(Block &layer, const Rows &query,
                               const Rows &latent, const Rows &rotatedQuery,
                               const Rows &rotatedKey) {
  ++model.attentions;
  mlir::OpBuilder &b = model.builder;
  Rows inLatent = headMatmul(layer, query, "attn_k_b", still, rank);
  auto type = KvCacheType::get(b.getContext(), 1, rank.value + rotary.value, 0,
                               model.kvElement, /*window=*/0);
  std::string cacheName = name(layer, "kv");
  Value cache =
      model.step.getBody().front().addArgument(type, model.at(cacheName));
  model.states.push_back({cacheName, cache});
  b.create<LatentWriteOp>(model.at(cacheName), latent.value, rotatedKey.value,
                          cache, model.batch);
  Value mixed = b.create<LatentAttentionOp>(
      model.at(name(layer, "attn")), model.rowsType(inLatent.width),
      inLatent.value, rotatedQuery.value, cache, model.batch,
      b.getI64IntegerAttr(heads.value), b.getF64FloatAttr(scale));
  return headMatmul(layer, {mixed, inLatent.width}, "attn_v_b", rank, value);
}

Rows LatentAttention::expanded(Block &layer, const Rows &query,
                               const Rows &latent, const Rows &rotatedQuery,
                               const Rows &rotatedKey) {
  const Extent both = still + value;
  Rows all = layer.matmul(latent, "attn_kv_b", heads * both);
  // Keys and values of one head stand side by side.
  Rows stillKeys = columns(layer, all, heads, 0, still, "k_nope");
  Rows values = columns(layer, all, heads, still.value, value, "v");
  Rows keys = join(layer, stillKeys, rotatedKey, "k");
  return layer.attention({join(layer, query, rotatedQuery, "q"), keys, values});
}

Rows LatentAttention::attend(Block &layer, const Rows &rows) {
  Rows projected = queryRank.value
                       ? layer.matmul(rows, "attn_q_a", queryRank)
                       : layer.matmul(rows, "attn_q", decoder.queries());
  Rows query = queries(layer, projected);
  Rows row = layer.matmul(rows, "attn_kv_a_mqa", rank + rotary);
  model.projected += model.joinable({projected, row});
  const Extent one = {1, "1"};
  Rows latent = columns(layer, row, one, 0, rank, "kv_latent");
  Rows key = columns(layer, row, one, rank.value, rotary, "k_pe");
  latent = model.norm(latent, name(layer, "attn_kv_a_norm"), rank, decoder);
  Rows stillQuery = columns(layer, query, heads, 0, still, "q_nope");
  Rows rotatedQuery = columns(layer, query, heads, still.value, rotary, "q_pe");
  rotatedQuery = layer.rope(rotatedQuery, rope, heads, "q_rope");
  key = layer.rope(key, rope, one, "k_rope");
  Rows mixed = whole ? expanded(layer, stillQuery, latent, rotatedQuery, key)
                     : absorbed(layer, stillQuery, latent, rotatedQuery, key);
  return layer.matmul(mixed, "attn_output", decoder.hidden);
}
