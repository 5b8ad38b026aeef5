/// Emits gated delta nets (arXiv 2412.06464) and the gated attention that
/// stands between them.
#include "frontends/gguf/Recurrent.h"

#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/sinter/RecurrentOps.h"

#include "llvm/ADT/SmallVector.h"

using namespace sinter;
using llvm::ArrayRef;
using llvm::StringRef;
using mlir::FlatSymbolRefAttr;
using mlir::Value;

DeltaNet DeltaNet::of(ModelSource &asked) {
  DeltaNet net;
  net.taps = asked.size("ssm.conv_kernel");
  net.keyWidth = asked.size("ssm.state_size");
  net.keyHeads = asked.size("ssm.group_count");
  net.valueHeads = asked.size("ssm.time_step_rank");
  Extent inner = asked.size("ssm.inner_size");
  checkDivides(asked, net.keyHeads, net.valueHeads);
  checkDivides(asked, net.valueHeads, inner);
  net.valueWidth = inner / net.valueHeads;
  checkState(asked, inner * net.keyWidth);
  return net;
}

/// Of each layer whether it is one of full attention, after
/// `attention.recurrent_layers`, else every `full_attention_interval`-th.
static std::vector<bool> attentionLayers(ModelSource &asked,
                                         const Extent &layers) {
  std::vector<int64_t> recurrent =
      asked.ofLayers("attention.recurrent_layers", layers.value);
  int64_t interval =
      asked.size("full_attention_interval", Extent{4, "4"}).value;
  std::vector<bool> attention;
  for (int64_t i = 0; i < layers.value; ++i)
    attention.push_back(recurrent.empty() ? (i + 1) % interval == 0
                                          : recurrent[i] == 0);
  return attention;
}

DeltaHybrid::DeltaHybrid(ModelBuilder &model, const Decoder &decoder,
                         DeltaProjections projections)
    : model(model), decoder(decoder), projections(projections),
      net(DeltaNet::of(model.source())),
      attention(attentionLayers(model.source(), decoder.layers)) {
  ModelSource &asked = model.source();
  net.grouped = projections == DeltaProjections::Joined;
  // Text has one position for all sections, so they rotate as one.
  asked.ofLayers("rope.dimension_sections", 0);
  rope = model.rope(decoder, RopePairs::Halves);
  if (projections == DeltaProjections::Joined)
    asked.mention("blk.0.ssm_in", decoder.hidden, net.mixed() + net.values());
}

Rows DeltaHybrid::mix(Block &block, const Rows &normed) {
  const bool both = model.source().describes();
  const bool attends = attention[block.number()];
  RecurrentLayer layer(model, decoder, block);
  Rows mixed;
  if (both || attends)
    mixed = layer.gatedAttention(normed, rope);
  if (both || !attends)
    mixed = layer.deltaNet(projections == DeltaProjections::Joined
                               ? layer.projectJoined(normed, net)
                               : layer.project(normed, net),
                           net);
  return mixed;
}

Rows RecurrentLayer::gatedAttention(const Rows &rows, RopeAttr rope) {
  const Extent queries = decoder.queries();
  Rows both = block.matmul(rows, "attn_q", queries + queries);
  Heads heads;
  heads.queries = columns(both, decoder.heads, 0, queries, "attn_q_part");
  Rows gate = columns(both, decoder.heads, decoder.keyWidth.value, queries,
                      "attn_q_gate");
  heads.keys = block.matmul(rows, "attn_k", decoder.keys(), Bias::Optional);
  heads.values = block.matmul(rows, "attn_v", decoder.values(), Bias::Optional);
  model.projected += model.joinable({both, heads.keys, heads.values});
  heads = block.rotate(block.normHeads(heads), rope);
  Rows attended = block.attention(heads);
  Value gated = model.builder.create<SigmoidGateOp>(
      model.at(name("attn_gated")), attended.value.getType(), attended.value,
      gate.value);
  return block.matmul({gated, attended.width}, "attn_output", decoder.hidden);
}

/// Rows of weights are taken by sixteens: none may stand behind one that does
/// not end on such a group.
void RecurrentLayer::countJoinable(ArrayRef<Rows> projections) {
  llvm::SmallVector<mlir::Type> behind, joined;
  for (const Rows &rows : projections) {
    auto matmul = rows.value.getDefiningOp<MatmulOp>();
    if (!matmul)
      continue; // scaled behind it
    mlir::Type format = model.formatOf(matmul.getWeightAttr());
    if (llvm::is_contained(behind, format) &&
        !llvm::is_contained(joined, format))
      joined.push_back(format);
    if (rows.width.value % 16 == 0)
      behind.push_back(format);
  }
  model.deltaProjections += joined.size();
}

DeltaNetRows RecurrentLayer::project(const Rows &rows, const DeltaNet &net) {
  DeltaNetRows projected;
  projected.mixed = block.matmul(rows, "attn_qkv", net.mixed());
  projected.gate = block.matmul(rows, "attn_gate", net.values());
  projected.beta = block.matmul(rows, "ssm_beta", net.valueHeads);
  projected.alpha = block.matmul(rows, "ssm_alpha", net.valueHeads);
  countJoinable(
      {projected.mixed, projected.gate, projected.beta, projected.alpha});
  return projected;
}

/// ssm_in has, for each key head, rows of its query, its key, its value heads
/// and their gates.
void RecurrentLayer::projectInTurns(const Rows &rows, const DeltaNet &net,
                                    DeltaNetRows &projected) {
  const int64_t key = net.keyWidth.value;
  const int64_t values = net.values().value / net.keyHeads.value;
  const int64_t turn = 2 * key + 2 * values;
  Part mixed = {
      .of = "ssm_in", .first = {0, "0"}, .all = net.mixed() + net.values()};
  Part gate = mixed;
  auto take = [&](Part &part, int64_t first, int64_t count) {
    for (int64_t head = 0; head < net.keyHeads.value; ++head)
      part.runs.push_back({head * turn + first, count});
  };
  // Heads are as many as the file says; its rows are there. Others are refused
  // when the tensor is asked for.
  std::string joined = name("ssm_in.weight");
  if (model.asked.sizeOf(joined, 1, "rows").value == mixed.all.value) {
    take(mixed, 0, key);
    take(mixed, key, key);
    take(mixed, 2 * key, values);
    take(gate, 2 * key + values, values);
  }
  projected.mixed = block.matmul(rows, "attn_qkv", net.mixed(), mixed);
  projected.gate = block.matmul(rows, "attn_gate", net.values(), gate);
}

DeltaNetRows RecurrentLayer::projectJoined(const Rows &rows,
                                           const DeltaNet &net) {
  const Extent groups = net.keyHeads, heads = net.valueHeads;
  DeltaNetRows projected;
  if (block.hasOptional("ssm_in.weight") && !block.has("attn_qkv.weight")) {
    projectInTurns(rows, net, projected);
  } else {
    projected.mixed = block.matmul(rows, "attn_qkv", net.mixed());
    projected.gate = block.matmul(rows, "attn_gate", net.values());
  }
  Rows both = block.matmul(rows, "ssm_ba", heads + heads);
  countJoinable({projected.mixed, projected.gate, both});
  projected.beta = columns(both, groups, 0, heads, "ssm_beta");
  projected.alpha =
      columns(both, groups, (heads / groups).value, heads, "ssm_alpha");
  return projected;
}

Rows RecurrentLayer::deltaNet(const DeltaNetRows &rows, const DeltaNet &net) {
  mlir::OpBuilder &b = model.builder;
  ++model.deltaNets;
  ++model.gatedNorms;
  Rows mixed = silu(convolve(rows.mixed, net.taps, "ssm_conv1d", Bias::None),
                    "ssm_silu");
  FlatSymbolRefAttr decay = vector("ssm_a", {net.valueHeads}, Need::Required);
  FlatSymbolRefAttr bias =
      vector("ssm_dt.bias", {net.valueHeads}, Need::Required);
  auto [pool, width] =
      state("state", net.valueHeads, net.keyWidth, net.valueWidth);
  mlir::Location loc = model.at(name("ssm_scan"));
  Value before =
      b.create<StateLoadOp>(loc, model.rowsType(width), pool, model.batch);
  auto rule = b.create<GatedDeltaNetOp>(
      loc, unitRows(net.values()), before.getType(), mixed.value,
      rows.alpha.value, rows.beta.value, before, model.batch, decay, bias,
      b.getI64IntegerAttr(net.keyHeads.value),
      b.getI64IntegerAttr(net.valueHeads.value),
      b.getF64FloatAttr(decoder.epsilon),
      net.grouped ? b.getUnitAttr() : mlir::UnitAttr(),
      /*chunk=*/mlir::IntegerAttr());
  b.create<StateStoreOp>(loc, rule.getNext(), pool, model.batch);
  Rows normed = model.norm({rule.getResult(), net.values()}, name("ssm_norm"),
                           net.valueWidth, decoder);
  return outputOf(swiglu(unfolded(rows.gate), normed, "ssm_gated"), "ssm_out");
}
