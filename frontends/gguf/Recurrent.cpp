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

/// Refuses `whole`, which `parts` should divide; makes it harmless.
static void checkDivides(ModelSource &asked, const Extent &parts,
                         Extent &whole) {
  if (whole.value % parts.value == 0)
    return;
  asked.refuse(
      llvm::formatv("{0} is {1}, expected a multiple of {2}, which is {3}",
                    asked.keyName(whole.formula), whole.value,
                    asked.keyName(parts.formula), parts.value));
  whole.value = parts.value;
}

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
  return net;
}

Mamba2 Mamba2::of(ModelSource &asked) {
  Mamba2 sizes;
  sizes.taps = asked.size("ssm.conv_kernel");
  sizes.inner = asked.size("ssm.inner_size");
  sizes.states = asked.size("ssm.state_size");
  sizes.heads = asked.size("ssm.time_step_rank");
  sizes.groups = asked.size("ssm.group_count");
  checkDivides(asked, sizes.groups, sizes.heads);
  checkDivides(asked, sizes.heads, sizes.inner);
  return sizes;
}

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

std::vector<bool> sinter::attentionLayers(ModelSource &asked,
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

std::string RecurrentLayer::name(StringRef part) const {
  return ("blk." + llvm::Twine(block.number()) + "." + part).str();
}

FlatSymbolRefAttr RecurrentLayer::vector(StringRef part, ArrayRef<Extent> shape,
                                         Need need) {
  return model.weight(name(part), shape, /*plain=*/true, need);
}

Value RecurrentLayer::state(StringRef part, RecurrentType type) {
  std::string full = name(part);
  Value state = model.step.getBody().front().addArgument(type, model.at(full));
  model.states.push_back({full, state});
  return state;
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
  int64_t before = taps.value - 1;
  if (before < 1) {
    model.asked.refuse(llvm::formatv("{0} is {1}, expected at least 2",
                                     model.asked.keyName(taps.formula),
                                     taps.value));
    before = 1;
  }
  auto kernel =
      vector((weight + ".weight").str(), {rows.width, taps}, Need::Required);
  FlatSymbolRefAttr offset;
  if (bias == Bias::Optional)
    offset = vector((weight + ".bias").str(), {rows.width}, Need::Optional);
  ++model.convolutions;
  auto type = RecurrentType::get(b.getContext(), 1, before, rows.width.value);
  Value pool = state("conv", type);
  Extent width = {before * rows.width.value, "window"};
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

Rows RecurrentLayer::gatedAttention(const Rows &rows, RopeAttr rope) {
  const Extent queries = decoder.queries();
  Rows both = block.matmul(rows, "attn_q", queries + queries);
  Heads heads;
  heads.queries = columns(both, decoder.heads, 0, queries, "attn_q_part");
  Rows gate = columns(both, decoder.heads, decoder.keyWidth.value, queries,
                      "attn_q_gate");
  heads.keys = block.matmul(rows, "attn_k", decoder.keys(), Bias::Optional);
  heads.values = block.matmul(rows, "attn_v", decoder.values(), Bias::Optional);
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
    auto weight =
        model.module->lookupSymbol<WeightOp>(matmul.getWeightAttr().getAttr());
    mlir::Type format =
        llvm::cast<mlir::RankedTensorType>(weight.getType()).getElementType();
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

Rows RecurrentLayer::deltaNet(const DeltaNetRows &rows, const DeltaNet &net) {
  mlir::OpBuilder &b = model.builder;
  ++model.deltaNets;
  ++model.gatedNorms;
  Rows mixed = silu(convolve(rows.mixed, net.taps, "ssm_conv1d", Bias::None),
                    "ssm_silu");
  auto type = RecurrentType::get(b.getContext(), net.valueHeads.value,
                                 net.keyWidth.value, net.valueWidth.value);
  FlatSymbolRefAttr decay = vector("ssm_a", {net.valueHeads}, Need::Required);
  FlatSymbolRefAttr bias =
      vector("ssm_dt.bias", {net.valueHeads}, Need::Required);
  Value pool = state("state", type);
  Extent width = {static_cast<int64_t>(type.elements()), "state"};
  mlir::Location loc = model.at(name("ssm_scan"));
  Value before =
      b.create<StateLoadOp>(loc, model.rowsType(width), pool, model.batch);
  auto rule = b.create<GatedDeltaNetOp>(
      loc, unitRows(net.values()), before.getType(), mixed.value,
      rows.alpha.value, rows.beta.value, before, model.batch, decay, bias,
      b.getI64IntegerAttr(net.keyHeads.value),
      b.getI64IntegerAttr(net.valueHeads.value),
      b.getF64FloatAttr(decoder.epsilon),
      net.grouped ? b.getUnitAttr() : mlir::UnitAttr());
  b.create<StateStoreOp>(loc, rule.getNext(), pool, model.batch);
  Rows normed = model.norm({rule.getResult(), net.values()}, name("ssm_norm"),
                           net.valueWidth, decoder);
  return outputOf(swiglu(unfolded(rows.gate), normed, "ssm_gated"), "ssm_out");
}

Rows RecurrentLayer::mamba2(const Rows &rows, const Mamba2 &sizes, Need norm) {
  mlir::OpBuilder &b = model.builder;
  const Extent one = {1, "1"}, perHead = sizes.inner / sizes.heads;
  ++model.stateSpaces;
  Rows all = block.matmul(rows, "ssm_in", sizes.projected());
  Rows gate = columns(all, one, 0, sizes.inner, "ssm_z");
  Rows mixed = columns(all, one, sizes.inner.value, sizes.mixed(), "ssm_x");
  Rows dt = columns(all, one, sizes.inner.value + sizes.mixed().value,
                    sizes.heads, "ssm_dt");
  mixed = silu(convolve(mixed, sizes.taps, "ssm_conv1d", Bias::Optional),
               "ssm_silu");
  auto type = RecurrentType::get(b.getContext(), sizes.heads.value,
                                 sizes.states.value, perHead.value);
  FlatSymbolRefAttr decay = vector("ssm_a", {sizes.heads, one}, Need::Required);
  FlatSymbolRefAttr skip = vector("ssm_d", {sizes.heads, one}, Need::Required);
  FlatSymbolRefAttr bias = vector("ssm_dt.bias", {sizes.heads}, Need::Required);
  Value pool = state("state", type);
  Extent width = {static_cast<int64_t>(type.elements()), "state"};
  mlir::Location loc = model.at(name("ssm_scan"));
  Value before =
      b.create<StateLoadOp>(loc, model.rowsType(width), pool, model.batch);
  auto scan =
      b.create<SsmScanOp>(loc, unitRows(sizes.inner), before.getType(),
                          mixed.value, dt.value, before, model.batch, decay,
                          bias, skip, b.getI64IntegerAttr(sizes.heads.value),
                          b.getI64IntegerAttr(sizes.groups.value));
  b.create<StateStoreOp>(loc, scan.getNext(), pool, model.batch);
  Rows gated =
      swiglu(unfolded(gate), {scan.getResult(), sizes.inner}, "ssm_gated");
  FlatSymbolRefAttr gain = vector(
      "ssm_norm.weight", {sizes.groups, sizes.inner / sizes.groups}, norm);
  if (gain) {
    ++model.gatedNorms;
    gated.value = b.create<GroupedNormOp>(
        model.at(name("ssm_norm")), gated.value.getType(), gated.value, gain,
        b.getI64IntegerAttr(sizes.groups.value),
        b.getF64FloatAttr(decoder.epsilon));
  }
  return outputOf(gated, "ssm_out");
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
  countJoinable({projected.mixed, projected.gate});
  Rows both = block.matmul(rows, "ssm_ba", heads + heads);
  projected.beta = columns(both, groups, 0, heads, "ssm_beta");
  projected.alpha =
      columns(both, groups, (heads / groups).value, heads, "ssm_alpha");
  return projected;
}

Rows RecurrentLayer::squaredReluFfn(const Rows &rows) {
  ++model.ffns;
  Rows up = block.matmul(rows, "ffn_up", decoder.feedForward, Bias::Optional);
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
