/// The words for a mixture of experts in place of a feed-forward block: what
/// the file says of the experts, and the block itself.
#ifndef SINTER_FRONTENDS_GGUF_EXPERTS_H
#define SINTER_FRONTENDS_GGUF_EXPERTS_H

#include "frontends/gguf/ModelBuilder.h"

namespace sinter {

/// How a router's logits become weights (`sinter.route`).
enum class Scoring { Softmax, Sigmoid, SoftmaxOfChosen };

/// Whether the shared expert's result is times sigmoid(ffn_gate_inp_shexp · x).
enum class SharedGate { None, Sigmoid };

/// What stands between an expert's matmuls: SiLU of a gate, gpt-oss's clamped
/// form of it, GELU of a gate, or the squared ReLU of ffn_up_exps without a
/// gate.
enum class ExpertGate { Silu, ClampedSilu, Gelu, Relu2 };

/// What a family's router does.
struct Routing {
  Scoring scoring = Scoring::Softmax;
  bool normalise = true; ///< weights of the chosen sum to 1
  double scale = 1.0;    ///< of the weights
  int64_t groups = 1, usedGroups = 1;
  int64_t groupBest = 2; ///< experts whose scores are their group's
  bool selectionBias = true; ///< exp_probs_b, if the file has it
};

/// Which layers have experts: not the first `dense`, and only each `step`-th.
class ExpertLayers {
public:
  /// Reads leading_dense_block_count and interleave_moe_layer_step.
  explicit ExpertLayers(ModelBuilder &model);
  bool has(unsigned layer) const {
    return layer >= dense && (layer + 1) % step == 0;
  }

private:
  int64_t dense, step;
};

class Experts {
public:
  /// Reads the keys of the experts, each a feed-forward block of `width`.
  Experts(ModelBuilder &model, const Extent &width);

  /// expert_feed_forward_length, or the dense blocks' width.
  static Extent widthOf(ModelBuilder &model, const Decoder &decoder);
  /// Whether the file has any; the family then takes them.
  static bool has(ModelBuilder &model);
  /// What the file says of the router: expert_gating_func, or `scoring`
  /// without the key; expert_weights_norm, expert_weights_scale and groups.
  static Routing routing(ModelBuilder &model, Scoring scoring, bool normalise);

  /// Router, experts and their weighted sum, on normed rows: ffn_gate_inp,
  /// then ffn_gate_exps and ffn_up_exps or both in ffn_gate_up_exps, then
  /// ffn_down_exps; with biases where the file has them.
  Rows ffn(const Block &layer, const Rows &rows, const Routing &routing,
           Bias bias = Bias::None, ExpertGate gate = ExpertGate::Silu);

  /// The same with a router that norms the stream for itself: its root mean
  /// square times ffn_gate_inp.scale, over the root of its width.
  Rows ffnOfStream(const Block &layer, const Rows &stream, const Rows &rows,
                   const Routing &routing, ExpertGate gate);

  /// The same with an expert that every token takes, added: ffn_gate_shexp,
  /// ffn_up_shexp and ffn_down_shexp of `width`, and the sigmoid gate
  /// ffn_gate_inp_shexp in the families that have one.
  Rows ffnWithShared(Block &layer, const Rows &rows, const Routing &routing,
                     const Extent &width,
                     SharedGate gate = SharedGate::Sigmoid);

  /// For a description: what the layers without experts have instead, and a
  /// shared expert that only some files have.
  void mentionDense(const Decoder &decoder) const;
  void mentionShared(const Decoder &decoder) const;

  /// Experts without gates and such a shared one of `width`, added. Where the
  /// file has ffn_latent_down and ffn_latent_up, the routed ones work on rows
  /// of moe_latent_size between the two; the router sees `rows` themselves.
  Rows squaredReluFfn(Block &layer, const Rows &rows, const Routing &routing,
                      const Extent &width);

  /// expert_shared_feed_forward_length, or expert_shared_count times the width
  /// of an expert.
  Extent sharedWidth() const;

private:
  struct Chosen {
    mlir::Value ids, weights;
  };
  Chosen route(const Block &layer, const Rows &rows, const Routing &routing,
               Bias bias);
  mlir::FlatSymbolRefAttr scaleOf(const Block &layer, llvm::StringRef weight,
                                  bool ofFormat);
  Chosen choose(const Block &layer, const Rows &logits, const Routing &routing);
  /// The weighted sum of the `chosen` experts' results.
  Rows apply(const Block &layer, const Rows &rows, const Chosen &chosen,
             Bias bias, ExpertGate kind);
  /// The result's rows of `weight`, which has `all` for each expert, from
  /// `first` on.
  mlir::Value matmul(const Block &layer, mlir::Value rows, mlir::Value ids,
                     llvm::StringRef weight, llvm::StringRef label,
                     const Extent &in, const Extent &out, const Extent &all,
                     int64_t first, Bias bias);
  std::pair<mlir::Value, mlir::Value> gateAndUp(const Block &layer,
                                                const Rows &rows,
                                                mlir::Value ids, Bias bias,
                                                ExpertGate kind);
  mlir::Value inner(const Block &layer, const Rows &rows, mlir::Value ids,
                    Bias bias, ExpertGate kind);

  ModelBuilder &model;
  Extent experts, used, hidden;
};

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_EXPERTS_H
