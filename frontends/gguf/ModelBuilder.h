/// The words in which an architecture file writes its model: each emits the
/// plain ops of the sinter dialect and asks the file for what it needs.
#ifndef SINTER_FRONTENDS_GGUF_MODELBUILDER_H
#define SINTER_FRONTENDS_GGUF_MODELBUILDER_H

#include "frontends/gguf/ModelSource.h"
#include "frontends/gguf/Pooling.h"
#include "frontends/gguf/Windows.h"

#include "dialects/sinter/RowRuns.h"
#include "dialects/sinter/Sinter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace sinter {

/// Float32 activations [T, width].
struct Rows {
  mlir::Value value;
  Extent width;
};

/// What a model's norms are: of the root mean square, or of mean and variance.
enum class Norm { Rms, Layer };

/// Whether a model's layers have the same sizes, or some lack what others
/// have: 0 in the file's list; all of them attention, perhaps.
enum class LayerKinds { One, Several, WithoutAttention };

/// The sizes of a decoder-only transformer.
struct Decoder {
  Extent layers, hidden, feedForward, context;
  Extent heads, cacheHeads, keyWidth, valueWidth;
  Norm norm = Norm::Rms;     ///< of every norm
  double epsilon = 0;        ///< of every norm
  double attentionScale = 0; ///< of the scores, 1 / sqrt(keyWidth) if 0

  Extent queries() const { return heads * keyWidth; }
  Extent keys() const { return cacheHeads * keyWidth; }
  Extent values() const { return cacheHeads * valueWidth; }
};

/// Which elements of a head rotate together: (2i, 2i+1), as Llama's files
/// have them, or (i, i + width/2), as GPT-NeoX does.
enum class RopePairs { Interleaved, Halves };

enum class Bias { None, Optional };

/// What a feed-forward block's gate goes through.
/// GeluErf is the exact form.
enum class Gate { Silu, Gelu, GeluErf };

/// What stands between the two matmuls of a feed-forward block without a gate.
enum class Activation { Gelu, GeluErf, Relu2 };

/// What some attentions have beyond queries, keys and values.
struct AttentionOptions {
  Bias bias = Bias::None; ///< of the output projection
  int64_t window = 0;     ///< positions that a token sees; 0: all
  double softcap = 0;     ///< of the scores; 0: none
  bool sinks = false;     ///< attn_sinks: a score for each head without a value
  bool bidirectional = false; ///< to the tokens behind, too
  double alibi = 0; ///< by how much scores fall with distance; 0: not at all
};

/// What becomes of the logits.
struct LogitOptions {
  Bias bias = Bias::None;
  double scale = 1.0;
  double softcap = 0;                   ///< 0: none
  llvm::StringRef norm = "output_norm"; ///< before them
  bool softmaxScores = false; ///< of a rank head, if the file has one instead
};

/// What a text's tokens must have in common.
struct WholeText {
  bool attends = false;        ///< each looks at all others
  Extent positions = {0, "0"}; ///< how many the model has learned; 0: any
};

/// Rows [first, first + width) of a tensor that holds several matrices, one
/// above the other; or, if they lie in turns, the `runs` that make up one.
struct Part {
  llvm::StringRef of;
  Extent first, all;
  std::vector<RowRun> runs = {};
};

/// What one layer's attention works on, row by row.
struct Heads {
  Rows queries, keys, values;
};

class ModelBuilder;

/// One layer: words whose weights are named "blk.3.…".
class Block {
public:
  Block(ModelBuilder &model, const Decoder &decoder, unsigned index);

  /// Norm of the row, with a bias if it is a layer norm whose file has one.
  Rows norm(const Rows &rows, llvm::StringRef weight);
  /// RMS norm of each head, with one weight for all.
  Rows headNorm(const Rows &rows, llvm::StringRef weight);
  Rows matmul(const Rows &rows, llvm::StringRef weight, const Extent &width,
              Bias bias = Bias::None);
  /// The matrix that is a part of another tensor; `weight` is its name here.
  Rows matmul(const Rows &rows, llvm::StringRef weight, const Extent &width,
              const Part &part, Bias bias = Bias::None);
  Rows rope(const Rows &rows, RopeAttr rope, const Extent &heads,
            llvm::StringRef label);
  /// Appends keys and values to this layer's cache and attends over it.
  Rows attention(const Heads &heads, const AttentionOptions &options = {});
  /// Attends over the cache of an earlier layer, `owner`; only the queries are
  /// this layer's own.
  Rows attentionOf(unsigned owner, const Rows &queries,
                   const AttentionOptions &options = {});
  // Attention step by step, as most decoders take it.

  /// attn_q, attn_k and attn_v of `rows`, with biases if the file has them.
  Heads project(const Rows &rows);
  /// The queries alone.
  Rows projectQueries(const Rows &rows);
  /// attn_q and attn_k, whose rows are values, too.
  Heads projectSharedKeys(const Rows &rows);
  /// The same from attn_qkv, which holds all three.
  Heads projectJoined(const Rows &rows);
  /// The RMS norms attn_q_norm and attn_k_norm of each head.
  Heads normHeads(const Heads &heads);
  /// The RMS norms attn_q_norm and attn_k_norm of the whole rows.
  Heads normRows(const Heads &heads);
  /// Value heads over their root mean square; no weight.
  Heads normValues(const Heads &heads);
  /// Layer norms of each head, with weights of its own.
  Heads layerNormHeads(const Heads &heads);
  /// Queries and keys rotated by their positions.
  Heads rotate(const Heads &heads, RopeAttr queries, RopeAttr keys);
  Heads rotate(const Heads &heads, RopeAttr rope) {
    return rotate(heads, rope, rope);
  }
  /// attn_output of the attention.
  Rows attend(const Heads &heads, Bias bias = Bias::None) {
    return attend(heads, AttentionOptions{.bias = bias});
  }
  Rows attend(const Heads &heads, const AttentionOptions &options);
  /// attn_output of attended rows.
  Rows project(const Rows &attended, const AttentionOptions &options);

  /// down(silu(gate(x)) * up(x)) (arXiv 2002.05202).
  Rows gatedFfn(const Rows &rows, Bias bias = Bias::None) {
    return gatedFfn(rows, Gate::Silu, bias);
  }
  Rows gatedFfn(const Rows &rows, Gate gate, Bias bias = Bias::None);
  /// The same, ffn_up holding gate, then up.
  Rows joinedFfn(const Rows &rows, Gate gate, Bias bias = Bias::None);
  /// down(activation(up(x))).
  Rows plainFfn(const Rows &rows, Activation activation, Bias bias);
  Rows add(const Rows &left, const Rows &right, llvm::StringRef label);
  Rows scale(const Rows &rows, double factor, llvm::StringRef label);
  /// `rows` times the one number of a weight, if the file has it.
  Rows scaleBy(const Rows &rows, llvm::StringRef weight);
  /// Whether the file has this tensor of the layer.
  bool has(llvm::StringRef tensor) const;
  /// The same, but false of a description.
  bool hasOptional(llvm::StringRef tensor) const;
  /// From 0.
  unsigned number() const { return index; }

private:
  friend class Experts;
  friend class LayerInputs;
  std::string name(llvm::StringRef part) const;
  Rows attentionOver(mlir::Value cache, const Rows &queries,
                     const AttentionOptions &options);
  Rows gatedDown(const Rows &gate, const Rows &up, Gate kind,
                 const Extent &width, Bias bias);

  ModelBuilder &model;
  const Decoder &decoder;
  unsigned index;
};

class ModelBuilder {
public:
  /// Builds into a new module; `kvElement` is f16 or f32.
  ModelBuilder(ModelSource &source, mlir::MLIRContext *context,
               mlir::Type kvElement);

  ModelSource &source() { return asked; }
  /// Reads the keys that every decoder-only transformer has.
  Decoder decoder(Norm norm = Norm::Rms, LayerKinds kinds = LayerKinds::One);
  Decoder decoder(LayerKinds kinds) { return decoder(Norm::Rms, kinds); }
  /// Reads the rope keys. `factors`, if the file has it, divides frequencies.
  RopeAttr rope(const Decoder &decoder, RopePairs pairs,
                llvm::StringRef factors = "");
  /// `rope` as layers with a window have it: a base of their own, no scaling.
  RopeAttr localRope(RopeAttr rope, double base);
  /// The same for heads of another width.
  RopeAttr localRope(RopeAttr rope, double base, const Extent &keyWidth);
  /// `rope` with its base times alpha^(width / (width - 2)), if the file has
  /// `rope.scaling.alpha`.
  RopeAttr alphaRope(RopeAttr rope);
  /// `rope` with rope_factors_short, or rope_factors_long where a context is
  /// longer than the original one (LongRoPE), if the file has them.
  RopeAttr longRope(RopeAttr rope, const Decoder &decoder);
  /// `rope` for queries, with what sharpens attention far into the text, if
  /// the file has `attention.temperature_scale`: the rotated query times
  /// 1 + scale · ln(1 + floor(position / original context)).
  RopeAttr queryRope(RopeAttr rope, const Decoder &decoder);
  Rows embed(const Decoder &decoder);
  /// The same with token types and, if learned, positions, summed and normed.
  Rows embedText(const Decoder &decoder, bool positions);
  /// `rows` times a constant.
  Rows scale(const Rows &rows, double factor, llvm::StringRef label);
  /// The layers; none if something is wrong already.
  std::vector<Block> blocks(const Decoder &decoder);
  /// The same with sizes of their own, which outlive them.
  std::vector<Block> blocks(const std::vector<Decoder> &sizes);
  /// Final norm and logits of the wanted rows, from output.weight or, if the
  /// file has none, the embedding. Ends the step.
  void head(const Rows &rows, const Decoder &decoder, Bias bias = Bias::None) {
    head(rows, decoder, LogitOptions{.bias = bias});
  }
  void head(const Rows &rows, const Decoder &decoder,
            const LogitOptions &options);

  /// What an encoder gives of its last layer's rows. Ends the step.
  void encoded(const Rows &rows, const Decoder &decoder, const Pooling &pooling,
               const Extent &positions = {0, "0"}) {
    endPooled(pooled(rows, pooling), decoder, pooling,
              {.attends = true, .positions = positions});
  }

  /// The module with `sinter.model` for `family`, once head() was called.
  mlir::OwningOpRef<mlir::ModuleOp> finish(llvm::StringRef family);

private:
  friend class Block;
  friend class Experts;
  friend class LatentAttention;
  friend class LayerInputs;
  friend class RecurrentLayer;
  struct State {
    std::string name;
    mlir::Value value;
  };

  mlir::Location at(llvm::StringRef label);
  /// The symbol of a weight of `shape` (rows first, as ops use it), declared
  /// at first use; null if it is optional and absent.
  mlir::FlatSymbolRefAttr weight(llvm::StringRef name,
                                 llvm::ArrayRef<Extent> shape, bool plain,
                                 Need need, const Part *part = nullptr);
  mlir::Type rowsType(const Extent &width);
  Rows norm(const Rows &rows, llvm::StringRef name, const Extent &width,
            const Decoder &decoder);
  /// `rows` times the number of `scale`, if there is such a weight.
  Rows scaleBy(const Rows &rows, mlir::FlatSymbolRefAttr scale,
               llvm::StringRef label);
  /// rows · NAME.weightᵀ, with NAME.scale and NAME.bias if the file has them.
  Rows matmul(const Rows &rows, llvm::StringRef name, const Extent &width,
              Bias bias, const Part *part = nullptr);
  /// Counts a norm of `rows` that fuse-residual-norm should join to their sum:
  /// the first of each.
  void countNorm(const Rows &rows);
  /// The format of a weight.
  mlir::Type formatOf(mlir::FlatSymbolRefAttr symbol);
  /// How many formats at least two of these products of one input share, which
  /// then may be one matmul.
  unsigned joinable(llvm::ArrayRef<Rows> projections);
  /// Counts a feed-forward block, and whether its halves may be one matmul.
  void countGated(const Rows &gate, const Rows &up);
  void countPlain(const Rows &up);
  unsigned quantisedRows();
  mlir::Value kvCache(llvm::StringRef name, const Decoder &decoder,
                      int64_t window);
  Rows pooled(const Rows &rows, const Pooling &pooling);
  void decodePooled(const Rows &rows, const Decoder &decoder,
                    const Pooling &pooling);
  Rows rankHead(const Rows &rows);
  void mentionRankHead(const Extent &width);
  void endPooled(const Rows &rows, const Decoder &decoder,
                 const Pooling &pooling, const WholeText &whole);
  mlir::DictionaryAttr counts();
  mlir::DenseF64ArrayAttr yarn(const Decoder &decoder, double factor,
                               bool extrapolate);

  ModelSource &asked;
  mlir::OpBuilder builder;
  mlir::Type kvElement;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp step;
  mlir::Value batch;
  Decoder built; ///< as head() was given it
  Extent vocabulary;
  ResultAttr result; ///< null: logits
  std::vector<State> states;
  unsigned attentions = 0, ffns = 0;
  // What does not follow from those two (#sinter.model).
  unsigned rotated = 0, projected = 0, gated = 0, activated = 0,
           summedNorms = 0, mixtures = 0;
  // Recurrent layers by what they hold (#sinter.model).
  unsigned convolutions = 0, deltaNets = 0, deltaProjections = 0,
           gatedNorms = 0, stateSpaces = 0;
  llvm::StringSet<> declared;
};

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_MODELBUILDER_H
