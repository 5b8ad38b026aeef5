/// The parts of encoders that families share.
#include "frontends/gguf/Encoder.h"

#include "dialects/sinter/EncoderOps.h"

using namespace sinter;
using mlir::Value;

Decoder sinter::encoderSizes(ModelBuilder &model) {
  ModelSource &source = model.source();
  if (source.flag("attention.causal", false))
    source.refuse(source.keyName("attention.causal") +
                  " is true, expected false in this family");
  return model.decoder(Norm::Layer);
}

/// Row 0 of token_types is that of a first, or only, text.
Rows ModelBuilder::embedText(const Decoder &decoder, bool positions) {
  Rows rows = embed(decoder);
  auto plus = [&](llvm::StringRef name, const Extent &count, llvm::StringRef by,
                  Need need) {
    mlir::FlatSymbolRefAttr table =
        weight((name + ".weight").str(), {count, decoder.hidden},
               /*plain=*/false, need);
    if (!table)
      return; // refused
    mlir::Type type = rows.value.getType();
    Value more = builder.create<EmbedRowsOp>(at(name), type, batch, table,
                                             builder.getStringAttr(by));
    rows.value = builder.create<AddOp>(at((name + "_add").str()), type,
                                       rows.value, more);
  };
  if (asked.has("token_types.weight"))
    plus("token_types", asked.sizeOf("token_types.weight", 1, "kinds of text"),
         "first", Need::Optional);
  if (positions)
    plus("position_embd", decoder.context, "position", Need::Required);
  ++summedNorms;
  return norm(rows, "token_embd_norm", decoder.hidden, decoder);
}

void sinter::mentionOthers(ModelSource &source, const Decoder &decoder,
                           const EncoderLayer &how) {
  const Extent &hidden = decoder.hidden, none = {0, ""};
  const Extent queries = decoder.queries(), keys = decoder.keys();
  const Extent values = decoder.values();
  if (how.joined) {
    source.mention("blk.0.attn_q", hidden, queries);
    source.mention("blk.0.attn_k", hidden, keys);
    source.mention("blk.0.attn_v", hidden, values);
  } else {
    source.mention("blk.0.attn_qkv", hidden, queries + keys + values);
  }
  source.mention("blk.0.attn_q_norm", queries, none);
  source.mention("blk.0.attn_k_norm", keys, none);
  if (how.secondNorm)
    source.mention("blk.0.attn_norm_2", hidden, none);
}

Rows sinter::encoderLayer(Block &layer, const Rows &rows,
                          const EncoderLayer &how) {
  bool joined = how.joined ? !layer.hasOptional("attn_q.weight")
                           : layer.hasOptional("attn_qkv.weight");
  Heads heads = joined ? layer.projectJoined(rows) : layer.project(rows);
  if (layer.hasOptional("attn_q_norm.weight"))
    heads = layer.normRows(heads);
  if (how.rope)
    heads = layer.rotate(heads, how.rope);
  const Rows attended = layer.attend(
      heads,
      {.bias = Bias::Optional, .bidirectional = true, .alibi = how.alibi});
  Rows x =
      layer.norm(layer.add(attended, rows, "attn_add"), "attn_output_norm");
  if (how.secondNorm && layer.hasOptional("attn_norm_2.weight"))
    x = layer.norm(layer.add(x, rows, "attn_add_2"), "attn_norm_2");
  return layer.norm(layer.add(how.feedForward(layer, x), x, "ffn_add"),
                    "layer_output_norm");
}
