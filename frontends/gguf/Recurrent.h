/// The words of layers with a state of fixed size: gated delta nets, Mamba-2,
/// short convolutions; and of the attention that stands between them.
#ifndef SINTER_FRONTENDS_GGUF_RECURRENT_H
#define SINTER_FRONTENDS_GGUF_RECURRENT_H

#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

/// The sizes of gated delta nets, as Qwen's files have them.
struct DeltaNet {
  Extent keyHeads, valueHeads, keyWidth, valueWidth, taps;
  /// Which key head a value head uses: h / (valueHeads / keyHeads), as the
  /// paper has it, or h mod keyHeads, for which some converters turn weights.
  bool grouped = false;

  static DeltaNet of(ModelSource &asked);
  Extent keys() const { return keyHeads * keyWidth; }
  Extent values() const { return valueHeads * valueWidth; }
  /// Of a row of queries, keys and values.
  Extent mixed() const { return keys() + keys() + values(); }
};

/// The sizes of Mamba-2 layers.
struct Mamba2 {
  Extent inner, heads, groups, states, taps;

  static Mamba2 of(ModelSource &asked);
  /// Of a row of x, B and C.
  Extent mixed() const { return inner + groups * states + groups * states; }
  Extent projected() const { return inner + mixed() + heads; }
};

/// What the projections of a gated delta net give.
struct DeltaNetRows {
  Rows mixed, gate, beta, alpha;
};

/// Takes prediction layers (multi-token prediction, the last ones) off
/// `decoder`: they draft tokens, the model itself does without.
void skipPredictionLayers(ModelSource &asked, Decoder &decoder);

/// Of each layer whether it is one of full attention, after
/// `attention.recurrent_layers`, else every `full_attention_interval`-th.
std::vector<bool> attentionLayers(ModelSource &asked, const Extent &layers);

/// What decoder-only models of several kinds of layers have: sizes that some
/// layers lack (0 in the file's list) are those of the others.
Decoder hybridDecoder(ModelBuilder &model);

/// One layer: its words name weights and states as Block does.
class RecurrentLayer {
public:
  RecurrentLayer(ModelBuilder &model, const Decoder &decoder, Block &block)
      : model(model), decoder(decoder), block(block) {}

  /// attn_q of `rows` with a gate beside each head, attention, its result
  /// times the sigmoid of the gate, attn_output.
  Rows gatedAttention(const Rows &rows, RopeAttr rope);

  /// attn_qkv, attn_gate, ssm_beta and ssm_alpha.
  DeltaNetRows project(const Rows &rows, const DeltaNet &net);
  /// The same, ssm_ba holding beta and alpha of one key head after the other;
  /// in older files ssm_in holds queries, keys, values and gate likewise.
  DeltaNetRows projectJoined(const Rows &rows, const DeltaNet &net);
  /// Convolution, delta rule, gated norm and ssm_out.
  Rows deltaNet(const DeltaNetRows &rows, const DeltaNet &net);

  /// A whole Mamba-2 layer, from ssm_in to ssm_out. Some families have no
  /// norm before the latter.
  Rows mamba2(const Rows &rows, const Mamba2 &sizes, Need norm);

  /// max(0, ffn_up(x))², ffn_down.
  Rows squaredReluFfn(const Rows &rows);

  /// RMS norm with a weight whose name is `weight` and no more.
  Rows normNamed(const Rows &rows, llvm::StringRef weight);

  /// shortconv: in_proj to b, c and x; c · conv(b · x); out_proj.
  Rows shortConvBlock(const Rows &rows, const Extent &taps);

private:
  std::string name(llvm::StringRef part) const;
  void projectInTurns(const Rows &rows, const DeltaNet &net,
                      DeltaNetRows &projected);
  mlir::FlatSymbolRefAttr vector(llvm::StringRef part,
                                 llvm::ArrayRef<Extent> shape, Need need);
  mlir::Value state(llvm::StringRef part, RecurrentType type);
  Rows columns(const Rows &rows, const Extent &heads, int64_t offset,
               const Extent &width, llvm::StringRef label);
  Rows convolve(const Rows &rows, const Extent &taps, llvm::StringRef weight,
                Bias bias);
  Rows silu(const Rows &rows, llvm::StringRef label);
  Rows swiglu(const Rows &gate, const Rows &up, llvm::StringRef label);
  Rows mul(const Rows &left, const Rows &right, llvm::StringRef label);
  mlir::Type unitRows(const Extent &width);
  Rows unfolded(const Rows &rows);
  /// Counts the formats that at least two of a delta net's projections share,
  /// since these may be one matmul.
  void countJoinable(llvm::ArrayRef<Rows> projections);
  /// rows · NAME.weightᵀ of rows with a dimension of 1, which goes then.
  Rows outputOf(const Rows &rows, llvm::StringRef weight);

  ModelBuilder &model;
  const Decoder &decoder;
  Block &block;
};

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_RECURRENT_H
