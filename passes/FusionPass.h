/// What a fusion must provide, and the driver that does the rest the same way
/// for each: wrap the matched ops in a `sinter.region`, count, keep the reason
/// of every refusal. A fusion never changes an answer, it only draws a box.
#ifndef SINTER_PASSES_FUSIONPASS_H
#define SINTER_PASSES_FUSIONPASS_H

#include "dialects/sinter/Operands.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <memory>
#include <optional>

namespace sinter {

/// A fusion as data, one constant per file in passes/fusion.
struct Fusion {
  const char *stem; ///< flag, counter, pass (after "sinter-") and test
  const char *kind; ///< of the regions it draws
  std::unique_ptr<mlir::Pass> (*make)();
  /// How many boxes the model should have.
  unsigned (*expected)(ModelAttr model);
};

/// Attributes of the step function, both dictionaries by stem:
/// `sinter.fused = {"fuse-swiglu" = 28 : i64}` counts boxes,
/// `sinter.refused = {"fuse-swiglu" = ["reason x2 (first at blk.3.ffn")]}`.
inline constexpr llvm::StringLiteral kFusedAttr = "sinter.fused";
inline constexpr llvm::StringLiteral kRefusedAttr = "sinter.refused";
/// Likewise, an array of what legalisation took back.
inline constexpr llvm::StringLiteral kInlinedAttr = "sinter.inlined";
/// On the module: the facts that passes read.
inline constexpr llvm::StringLiteral kModelAttr = "sinter.model";
inline constexpr llvm::StringLiteral kTargetAttr = "sinter.target";

/// The ops of one box. Inputs and results are found by the driver, inputs in
/// the order of `inputs` as far as it goes, then of first use.
struct Box {
  llvm::SmallVector<mlir::Operation *> ops; ///< in program order
  mlir::Operation *main; ///< whose location, hence label, the region takes
  llvm::SmallVector<mlir::Value> inputs = {};
};

/// Reasons with how often and where first, in order of first occurrence.
class Tally {
public:
  void add(llvm::StringRef reason, mlir::Operation *where);
  /// "reason x14 (first at blk.0.attn_v)", one string per reason.
  mlir::ArrayAttr asAttribute(mlir::MLIRContext *context) const;

private:
  struct Entry {
    std::string reason, first;
    unsigned count;
  };
  llvm::SmallVector<Entry> entries;
};

/// What a matcher may ask and say about one candidate.
class Site {
public:
  Site(mlir::Operation *candidate, const mlir::SymbolTable &symbols,
       Tally &tally, bool remarks)
      : candidate(candidate), symbols(symbols), tally(tally), remarks(remarks) {
  }

  /// Says why the candidate stays as it is; always gives no box.
  std::nullopt_t refuse(const llvm::Twine &reason);
  /// The candidate is none of this fusion's business: no box, no reason.
  std::nullopt_t ignore() { return std::nullopt; }
  /// The type of a weight that `symbol` names; verifiers made it exist.
  mlir::RankedTensorType weight(mlir::FlatSymbolRefAttr symbol) const;

private:
  mlir::Operation *candidate;
  const mlir::SymbolTable &symbols;
  Tally &tally;
  bool remarks;
};

/// Looks at one op that may end, or start, a box.
using Matcher =
    llvm::function_ref<std::optional<Box>(mlir::Operation *, Site &)>;

/// Draws the boxes of `fusion` around the ops that are candidates in every
/// function of `module`. A second run adds to the counts; refusals are those
/// of the first.
void fuseAll(mlir::ModuleOp module, const Fusion &fusion,
             llvm::function_ref<bool(mlir::Operation *)> isCandidate,
             bool remarks, Matcher match);

/// The same, with the matcher taking the class, or interface, of the op.
template <typename OpT, typename MatchT>
void fuseAll(mlir::ModuleOp module, const Fusion &fusion, bool remarks,
             MatchT match) {
  fuseAll(
      module, fusion, [](mlir::Operation *op) { return mlir::isa<OpT>(op); },
      remarks,
      [&](mlir::Operation *op, Site &site) {
        return match(mlir::cast<OpT>(op), site);
      });
}

/// The region that gives `value`, if it is of that kind; else null.
RegionOp regionOf(mlir::Value value, llvm::StringRef kind);

} // namespace sinter

#include "passes/FusionList.inc"

#endif // SINTER_PASSES_FUSIONPASS_H
