/// The end of a step whose rows are no logits: pooling, and a rank head.
#include "frontends/gguf/ModelBuilder.h"

#include "dialects/sinter/EncoderOps.h"

using namespace sinter;
using mlir::Value;

Rows ModelBuilder::pooled(const Rows &rows, const Pooling &pooling) {
  mlir::Type type = rows.value.getType();
  Value value;
  switch (pooling.row()) {
  case PoolingKind::Mean:
    value =
        builder.create<PoolOp>(at("pooling"), type, rows.value, batch, "mean");
    break;
  case PoolingKind::First:
    value =
        builder.create<PoolOp>(at("pooling"), type, rows.value, batch, "first");
    break;
  default:
    value =
        builder.create<SelectRowsOp>(at("pooling"), type, rows.value, batch);
  }
  return {value, rows.width};
}

void ModelBuilder::mentionRankHead(const Extent &width) {
  asked.mention("cls", width, {2, "head"});
  asked.mention("cls.output", width, {2, "classes"});
}

/// tanh(cls · x) and cls.output of that, each if the file has it.
Rows ModelBuilder::rankHead(const Rows &rows) {
  Rows scores = rows;
  if (asked.has("cls.weight")) {
    Extent width = asked.sizeOf("cls.weight", 1, "head");
    scores = matmul(scores, "cls", width, Bias::Optional);
    scores.value = builder.create<TanhOp>(at("cls_tanh"),
                                          scores.value.getType(), scores.value);
  }
  if (asked.has("cls.output.weight")) {
    Extent width = asked.sizeOf("cls.output.weight", 1, "classes");
    scores = matmul(scores, "cls.output", width, Bias::Optional);
  }
  if (scores.value == rows.value)
    asked.refuse("tensor 'cls.output.weight' is missing, expected by " +
                 asked.keyName("pooling_type") + " 4 (rank)");
  return scores;
}

/// A decoder's last norm stands before what all rows take part in, and behind
/// the choice of one.
void ModelBuilder::decodePooled(const Rows &rows, const Decoder &decoder,
                                const Pooling &pooling) {
  auto normed = [&](const Rows &rows) {
    return norm(rows, "output_norm", decoder.hidden, decoder);
  };
  if (!pooling.needsWhole())
    return endPooled(normed(pooled(rows, pooling)), decoder, pooling, {});
  if (rows.value.getDefiningOp<AddOp>())
    ++summedNorms;
  endPooled(pooled(normed(rows), pooling), decoder, pooling, {});
}

void ModelBuilder::endPooled(const Rows &rows, const Decoder &decoder,
                             const Pooling &pooling, const WholeText &whole) {
  built = decoder;
  mentionRankHead(decoder.hidden);
  Rows last = rows;
  if (pooling.kind == PoolingKind::Rank)
    last = rankHead(rows);
  bool ranks = pooling.kind == PoolingKind::Rank;
  if (ranks && pooling.softmax)
    last.value = builder.create<SoftmaxOp>(at("cls_softmax"),
                                           last.value.getType(), last.value);
  result = ResultAttr::get(
      builder.getContext(), ranks ? "scores" : "embedding", last.width.value,
      /*pooled=*/pooling.kind != PoolingKind::None,
      /*whole=*/whole.attends || pooling.needsWhole(), whole.positions.value);
  builder.create<mlir::func::ReturnOp>(at("result"), last.value);
}
