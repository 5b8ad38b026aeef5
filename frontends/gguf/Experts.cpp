/// Emits a mixture of experts in its plain form, op by op.
#include "frontends/gguf/Experts.h"

#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/sinter/MoeOps.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace sinter;
using llvm::StringRef;
using mlir::FlatSymbolRefAttr;
using mlir::Value;

Extent Experts::widthOf(ModelBuilder &model, const Decoder &decoder) {
  return model.source().size("expert_feed_forward_length", decoder.feedForward);
}

bool Experts::has(ModelBuilder &model) {
  return model.source().count("expert_count", 0) > 0;
}

Experts::Experts(ModelBuilder &model, const Extent &width)
    : model(model), hidden(width) {
  ModelSource &asked = model.source();
  experts = asked.size("expert_count");
  used = asked.size("expert_used_count");
  if (used.value <= experts.value)
    return;
  asked.refuse(llvm::formatv("{0} is {1}, expected at most {2}, which is {3}",
                             asked.keyName("expert_used_count"), used.value,
                             asked.keyName("expert_count"), experts.value));
  used.value = experts.value;
}

Routing Experts::routing(ModelBuilder &model, Scoring scoring, bool normalise) {
  ModelSource &asked = model.source();
  Routing result;
  // llama.cpp's numbers; 0 is none said.
  int64_t function = asked.count("expert_gating_func", 0);
  constexpr Scoring kScorings[] = {Scoring::Softmax, Scoring::Sigmoid,
                                   Scoring::SoftmaxOfChosen};
  if (function > 3)
    asked.refuse(llvm::formatv("{0} is {1}, expected 1, 2 or 3",
                               asked.keyName("expert_gating_func"), function));
  result.scoring =
      function < 1 || function > 3 ? scoring : kScorings[function - 1];
  result.normalise = asked.flag("expert_weights_norm", normalise);
  result.scale = asked.factor("expert_weights_scale");
  result.groups = std::max<int64_t>(1, asked.count("expert_group_count", 1));
  result.usedGroups =
      std::max<int64_t>(1, asked.count("expert_group_used_count", 1));
  int64_t experts = asked.count("expert_count", 1);
  if (!asked.describes() &&
      (experts % result.groups || result.usedGroups > result.groups)) {
    asked.refuse(llvm::formatv(
        "{0} is {1} and {2} is {3}, expected groups of the {4} experts",
        asked.keyName("expert_group_count"), result.groups,
        asked.keyName("expert_group_used_count"), result.usedGroups, experts));
    result.groups = result.usedGroups = 1;
  }
  return result;
}

ExpertLayers::ExpertLayers(ModelBuilder &model)
    : dense(model.source().count("leading_dense_block_count", 0)),
      step(std::max<int64_t>(
          1, model.source().count("interleave_moe_layer_step", 1))) {
  if (model.source().describes())
    dense = 0;
}

Extent Experts::sharedWidth() const {
  ModelSource &asked = model.source();
  Extent count = asked.size("expert_shared_count", Extent{1, "1"});
  return asked.size("expert_shared_feed_forward_length", count * hidden);
}

static mlir::RankedTensorType rowsOf(const Extent &slots, const Extent &width,
                                     mlir::Type element) {
  return mlir::RankedTensorType::get(
      {mlir::ShapedType::kDynamic, slots.value, width.value}, element);
}

static StringRef scoringName(Scoring scoring) {
  switch (scoring) {
  case Scoring::Softmax:
    return "softmax";
  case Scoring::Sigmoid:
    return "sigmoid";
  case Scoring::SoftmaxOfChosen:
    return "softmax_chosen";
  }
  llvm_unreachable("every scoring has a name");
}

/// The scales of the experts' matrices, if they belong to the format, or else
/// if not; null if the file has none such.
FlatSymbolRefAttr Experts::scaleOf(const Block &layer, StringRef weight,
                                   bool ofFormat) {
  std::string name = layer.name(weight);
  if (model.asked.isScaledWhole(name + ".weight") != ofFormat)
    return {};
  return model.weight(name + ".scale", {experts}, /*plain=*/true,
                      Need::Optional);
}

Experts::Chosen Experts::route(const Block &layer, const Rows &rows,
                               const Routing &routing, Bias bias) {
  return choose(layer,
                model.matmul(rows, layer.name("ffn_gate_inp"), experts, bias),
                routing);
}

Experts::Chosen Experts::choose(const Block &layer, const Rows &logits,
                                const Routing &routing) {
  mlir::OpBuilder &b = model.builder;
  FlatSymbolRefAttr selection;
  if (routing.selectionBias)
    selection = model.weight(layer.name("exp_probs_b.bias"), {experts},
                             /*plain=*/true, Need::Optional);
  auto chosen = [&](mlir::Type element) {
    return mlir::RankedTensorType::get({mlir::ShapedType::kDynamic, used.value},
                                       element);
  };
  auto op = b.create<RouteOp>(
      model.at(layer.name("ffn_route")), chosen(b.getI32Type()),
      chosen(b.getF32Type()), logits.value, scoringName(routing.scoring),
      selection, routing.normalise, routing.groups, routing.usedGroups,
      routing.groupBest, llvm::APFloat(routing.scale),
      scaleOf(layer, "ffn_down_exps", /*ofFormat=*/false));
  return {op.getIds(), op.getWeights()};
}

Value Experts::matmul(const Block &layer, Value rows, Value ids,
                      StringRef weight, StringRef label, const Extent &in,
                      const Extent &out, const Extent &all, int64_t first,
                      Bias bias) {
  std::string name = layer.name(weight);
  FlatSymbolRefAttr matrix = model.weight(name + ".weight", {experts, all, in},
                                          /*plain=*/false, Need::Required);
  FlatSymbolRefAttr scale = scaleOf(layer, weight, /*ofFormat=*/true);
  // Those of ffn_down_exps are the route's affair.
  if (!scale && weight != "ffn_down_exps" &&
      model.asked.hasOptional(name + ".scale"))
    model.asked.refuse("tensor " + quotedName(name + ".scale") +
                       " scales experts of a format without such scales");
  FlatSymbolRefAttr offset;
  if (bias == Bias::Optional)
    offset = model.weight(name + ".bias", {experts, all}, /*plain=*/true,
                          Need::Optional);
  return model.builder.create<ExpertMatmulOp>(
      model.at(layer.name(label)),
      rowsOf(used, out, model.builder.getF32Type()), rows, ids, matrix, scale,
      offset, model.builder.getI64IntegerAttr(first));
}

std::pair<Value, Value> Experts::gateAndUp(const Block &layer, const Rows &rows,
                                           Value ids, Bias bias,
                                           ExpertGate kind) {
  const ModelSource &asked = model.source();
  Extent both = Extent{2, "2"} * hidden;
  // A description has the form of most files: Gemma's join the two.
  bool joined = asked.describes() ? kind == ExpertGate::Gelu
                                  : layer.has("ffn_gate_up_exps.weight");
  if (joined) {
    auto half = [&](StringRef label, int64_t first) {
      return matmul(layer, rows.value, ids, "ffn_gate_up_exps", label,
                    rows.width, hidden, both, first, bias);
    };
    Value gate = half("ffn_gate_exps", 0);
    return {gate, half("ffn_up_exps", hidden.value)};
  }
  auto whole = [&](StringRef label) {
    return matmul(layer, rows.value, ids, label, label, rows.width, hidden,
                  hidden, 0, bias);
  };
  Value gate = whole("ffn_gate_exps");
  return {gate, whole("ffn_up_exps")};
}

Value Experts::inner(const Block &layer, const Rows &rows, Value ids, Bias bias,
                     ExpertGate kind) {
  mlir::OpBuilder &b = model.builder;
  mlir::Location place = model.at(layer.name("ffn_exps_activation"));
  if (kind == ExpertGate::Relu2) {
    Value up = matmul(layer, rows.value, ids, "ffn_up_exps", "ffn_up_exps",
                      rows.width, hidden, hidden, 0, bias);
    return b.create<Relu2Op>(place, up.getType(), up);
  }
  auto [gate, up] = gateAndUp(layer, rows, ids, bias, kind);
  if (kind == ExpertGate::ClampedSilu)
    return b.create<ClampedSwigluOp>(place, gate.getType(), gate, up);
  if (kind == ExpertGate::Gelu)
    return b.create<GegluOp>(place, gate.getType(), gate, up);
  return b.create<SwigluOp>(place, gate.getType(), gate, up);
}

Rows Experts::apply(const Block &layer, const Rows &rows, const Chosen &chosen,
                    Bias bias, ExpertGate kind) {
  ++model.mixtures;
  Value activated = inner(layer, rows, chosen.ids, bias, kind);
  Value down = matmul(layer, activated, chosen.ids, "ffn_down_exps",
                      "ffn_down_exps", hidden, rows.width, rows.width, 0, bias);
  Value sum = model.builder.create<CombineOp>(
      model.at(layer.name("ffn_combine")), rows.value.getType(), down,
      chosen.weights);
  return {sum, rows.width};
}

Rows Experts::ffn(const Block &layer, const Rows &rows, const Routing &routing,
                  Bias bias, ExpertGate kind) {
  Chosen chosen = route(layer, rows, routing, bias);
  return apply(layer, rows, chosen, bias, kind);
}

Rows Experts::ffnOfStream(const Block &layer, const Rows &stream,
                          const Rows &rows, const Routing &routing,
                          ExpertGate gate) {
  mlir::OpBuilder &b = model.builder;
  FlatSymbolRefAttr gain =
      model.weight(layer.name("ffn_gate_inp.scale"), {stream.width},
                   /*plain=*/true, Need::Required);
  Value normed = b.create<RmsNormOp>(model.at(layer.name("ffn_gate_inp_norm")),
                                     stream.value.getType(), stream.value, gain,
                                     b.getF64FloatAttr(layer.decoder.epsilon));
  const Rows seen = model.scale({normed, stream.width},
                                1.0 / std::sqrt(double(stream.width.value)),
                                layer.name("ffn_gate_inp_scale"));
  // No tensor scale: the name is taken.
  FlatSymbolRefAttr router =
      model.weight(layer.name("ffn_gate_inp.weight"), {experts, stream.width},
                   /*plain=*/false, Need::Required);
  Value logits = b.create<MatmulOp>(model.at(layer.name("ffn_gate_inp")),
                                    model.rowsType(experts), seen.value, router,
                                    FlatSymbolRefAttr(), FlatSymbolRefAttr());
  return apply(layer, rows, choose(layer, {logits, experts}, routing),
               Bias::None, gate);
}

Rows Experts::ffnWithShared(Block &layer, const Rows &rows,
                            const Routing &routing, const Extent &width,
                            SharedGate how) {
  Rows routed = ffn(layer, rows, routing);
  Rows gate = layer.matmul(rows, "ffn_gate_shexp", width);
  Rows up = layer.matmul(rows, "ffn_up_shexp", width);
  model.countGated(gate, up);
  mlir::OpBuilder &b = model.builder;
  Value inner = b.create<SwigluOp>(model.at(layer.name("ffn_shexp_swiglu")),
                                   gate.value.getType(), gate.value, up.value);
  Rows shared = layer.matmul({inner, width}, "ffn_down_shexp", rows.width);
  if (how == SharedGate::Sigmoid) {
    Rows one = layer.matmul(rows, "ffn_gate_inp_shexp", Extent{1, "1"});
    shared.value =
        b.create<GateRowsOp>(model.at(layer.name("ffn_shexp_gate")),
                             shared.value.getType(), shared.value, one.value);
  }
  return layer.add(routed, shared, "ffn_shexp_add");
}

void Experts::mentionDense(const Decoder &decoder) const {
  ModelSource &asked = model.source();
  const Extent &rows = decoder.hidden, &width = decoder.feedForward;
  asked.mention("blk.0.ffn_gate", rows, width);
  asked.mention("blk.0.ffn_up", rows, width);
  asked.mention("blk.0.ffn_down", width, rows);
}

void Experts::mentionShared(const Decoder &decoder) const {
  ModelSource &asked = model.source();
  const Extent width = sharedWidth();
  asked.mention("blk.0.ffn_gate_shexp", decoder.hidden, width);
  asked.mention("blk.0.ffn_up_shexp", decoder.hidden, width);
  asked.mention("blk.0.ffn_down_shexp", width, decoder.hidden);
}

Rows Experts::squaredReluFfn(Block &layer, const Rows &rows,
                             const Routing &routing, const Extent &width) {
  const Extent latent = model.source().size("moe_latent_size", rows.width);
  const bool narrowed =
      layer.has("ffn_latent_down.weight") || layer.has("ffn_latent_up.weight");
  // Before the router: nothing stands between the ops of the mixture.
  Rows inside = rows;
  if (narrowed)
    inside = layer.matmul(rows, "ffn_latent_down", latent);
  Chosen chosen = route(layer, rows, routing, Bias::None);
  Rows routed = apply(layer, inside, chosen, Bias::None, ExpertGate::Relu2);
  if (narrowed)
    routed = layer.matmul(routed, "ffn_latent_up", rows.width);
  Rows up = layer.matmul(rows, "ffn_up_shexp", width);
  model.countPlain(up);
  Value inner = model.builder.create<Relu2Op>(
      model.at(layer.name("ffn_shexp_relu2")), up.value.getType(), up.value);
  Rows shared = layer.matmul({inner, width}, "ffn_down_shexp", rows.width);
  return layer.add(routed, shared, "ffn_shexp_add");
}
