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

/// Refuses `whole`, which `parts` should divide; makes it harmless.
void checkDivides(ModelSource &asked, const Extent &parts, Extent &whole);

/// Refuses a state of more numbers than kernels can count.
bool checkState(ModelSource &asked, const Extent &numbers);

/// What a layer of Nemotron-H is: feed-forward where the file gives a width,
/// attention where it gives cache heads, else Mamba-2.
enum class LayerKind { FeedForward, Attention, StateSpace };
std::vector<LayerKind> layerKinds(ModelSource &asked, const Extent &layers);

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
  struct State {
    mlir::Value pool;
    Extent width; ///< numbers of a sequence's slot
  };
  State state(llvm::StringRef part, const Extent &heads, const Extent &keys,
              const Extent &values);
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

/// How a file holds what a gated delta net projects its rows to: a matrix each,
/// or beta and alpha in one, in the paper's order of heads.
enum class DeltaProjections { Apart, Joined };

/// The layers of Qwen's hybrids: gated delta nets, and gated attention between
/// them.
class DeltaHybrid {
public:
  /// Reads sizes, which layers attend, and rope.
  DeltaHybrid(ModelBuilder &model, const Decoder &decoder,
              DeltaProjections projections);

  /// What `block` does to its normed rows before they join the stream.
  Rows mix(Block &block, const Rows &normed);

private:
  ModelBuilder &model;
  const Decoder &decoder;
  DeltaProjections projections;
  DeltaNet net;
  std::vector<bool> attention;
  RopeAttr rope;
};

/// The layers of LFM2: gated short convolutions, and attention with norms on
/// its heads where the file gives cache heads.
class ShortConvHybrid {
public:
  /// Reads taps, cache heads, and rope.
  ShortConvHybrid(ModelBuilder &model, const Decoder &decoder);

  /// What `block` does to its normed rows before they join the stream.
  Rows mix(Block &block, const Rows &normed);

private:
  ModelBuilder &model;
  const Decoder &decoder;
  Extent taps;
  std::vector<int64_t> cacheHeads; ///< of each layer
  RopeAttr rope;
};

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_RECURRENT_H
