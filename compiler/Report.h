/// What the compiler did to this model and why not more: fusion counters,
/// refusals, tile choices, predicted times; and the diagnostics that passes
/// emit on the way.
#ifndef SINTER_COMPILER_REPORT_H
#define SINTER_COMPILER_REPORT_H

#include "compiler/KernelReport.h"
#include "compiler/Options.h"
#include "runtime/Prediction.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace sinter {

/// One fusion on this model.
struct FusionResult {
  std::string name;
  bool on = true;
  uint64_t fused = 0;
  uint64_t expected = 0; ///< boxes that the model's facts let one expect
  std::vector<std::string> refusals;
};

/// What a fusion did at one place of the graph.
struct FusionEvent {
  std::string fusion;
  std::string place;   ///< label of the op, such as blk.3.ffn_gate
  std::string refusal; ///< the reason; empty where it fired
};

/// One regime of the finished plan.
struct RegimeResult {
  uint64_t maxTokens = 0, launches = 0, barriers = 0, arenaBytes = 0;
};

struct Report {
  std::vector<FusionResult> fusions;
  std::vector<std::string> inlined; ///< regions without a kernel, and why
  std::vector<FusionEvent> events;  ///< in order of passes, then of places
  std::vector<KernelResult> kernels;
  std::vector<KernelNeeds> needs; ///< of a GPU's kernels, once compiled
  std::string noLater; ///< why later GPUs cannot run them; empty: they can
  CostModel machine;   ///< with which `steps` are predicted
  std::vector<RegimeResult> regimes;
  std::vector<StepPrediction> steps;
  uint64_t weightBytes = 0;

  /// The three stages of the module, each read when it is reached.
  void readGraph(mlir::ModuleOp module, const CompileOptions &options);
  void readTiles(mlir::ModuleOp module);
  llvm::Error readPlan(mlir::ModuleOp module);

  /// Kernels whose tile was measured by `compile --tune`.
  uint64_t tunedTiles() const;

  std::string json() const;  ///< indented, same report same text
  std::string table() const; ///< for a terminal
};

/// Receives the diagnostics of a context for as long as it lives.
class Diagnostics {
public:
  Diagnostics(mlir::MLIRContext &context,
              const std::vector<std::string> &remarksOf);

  /// The pass that speaks from now on, without "sinter-".
  void setPass(llvm::StringRef name) { pass = name.str(); }
  /// All error messages, "place: text", joined by "; ".
  const std::string &errors() const { return text; }
  /// Remarks of the passes asked for, "pass: place: text".
  const std::vector<std::string> &remarks() const { return kept; }
  /// What the fusions' remarks say, asked for or not.
  const std::vector<FusionEvent> &events() const { return told; }

private:
  mlir::LogicalResult take(mlir::Diagnostic &diagnostic);

  const std::vector<std::string> &remarksOf;
  std::string pass, text;
  std::vector<std::string> kept;
  std::vector<FusionEvent> told;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace sinter

#endif // SINTER_COMPILER_REPORT_H
