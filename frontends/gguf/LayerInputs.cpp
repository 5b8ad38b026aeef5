/// Emits the inputs of layers, and how they join the stream.
#include "frontends/gguf/LayerInputs.h"

#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/sinter/RecurrentOps.h"

#include <cmath>

using namespace sinter;
using mlir::Value;

LayerInputs::LayerInputs(ModelBuilder &model, const Decoder &decoder)
    : model(model),
      decoder(decoder), width{model.source().count(
                                  "embedding_length_per_layer_input", 0),
                              "embedding_length_per_layer_input"} {
  if (model.source().describes())
    mention();
}

/// What a file may have.
void LayerInputs::mention() const {
  ModelSource &asked = model.source();
  const Extent all = width * decoder.layers, hidden = decoder.hidden;
  const Extent vocabulary = asked.sizeOf("token_embd.weight", 1, "vocabulary");
  asked.mention("per_layer_token_embd", all, vocabulary);
  asked.mention("per_layer_model_proj", hidden, all);
  asked.mention("per_layer_proj_norm", width, {0, ""});
  asked.mention("blk.0.inp_gate", hidden, width);
  asked.mention("blk.0.proj", width, hidden);
  asked.mention("blk.0.post_norm", hidden, {0, ""});
}

void LayerInputs::read(const Rows &embedded) {
  if (!width.value)
    return;
  const Extent all = width * decoder.layers;
  mlir::FlatSymbolRefAttr table =
      model.weight("per_layer_token_embd.weight", {model.vocabulary, all},
                   /*plain=*/false, Need::Required);
  Value looked = model.builder.create<EmbedOp>(
      model.at("per_layer_token_embd"), model.rowsType(all), model.batch, table,
      mlir::FlatSymbolRefAttr());
  const Rows own =
      model.scale({looked, all}, std::sqrt(double(width.value)), "inputs_own");
  Rows projected =
      model.matmul(embedded, "per_layer_model_proj", all, Bias::None);
  projected =
      model.scale(projected, 1.0 / std::sqrt(double(decoder.hidden.value)),
                  "inputs_projected");
  projected = model.norm(projected, "per_layer_proj_norm", width, decoder);
  Value sum = model.builder.create<AddOp>(
      model.at("inputs_sum"), looked.getType(), projected.value, own.value);
  inputs = model.scale({sum, all}, std::sqrt(0.5), "inputs");
}

Rows LayerInputs::mixInto(Block &layer, const Rows &rows) const {
  if (!width.value)
    return rows;
  mlir::OpBuilder &b = model.builder;
  Value own = b.create<HeadColumnsOp>(
      model.at(layer.name("inp")), model.rowsType(width), inputs.value,
      b.getI64IntegerAttr(1),
      b.getI64IntegerAttr(layer.number() * width.value));
  const Rows gate = layer.matmul(rows, "inp_gate", width);
  Value gated = b.create<GegluOp>(model.at(layer.name("inp_geglu")),
                                  gate.value.getType(), gate.value, own);
  const Rows mixed = layer.matmul({gated, width}, "proj", rows.width);
  return layer.add(rows, layer.norm(mixed, "post_norm"), "inp_add");
}
