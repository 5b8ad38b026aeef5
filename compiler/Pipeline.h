/// The ordered table of passes: the answer to "what runs, when, and can it be
/// switched off". Flags, help and --emit follow from it.
#ifndef SINTER_COMPILER_PIPELINE_H
#define SINTER_COMPILER_PIPELINE_H

#include "compiler/Options.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <span>
#include <string>

namespace sinter {

/// Where the module stands after the steps of a stage.
enum class Stage { Graph, Tile, Plan };

struct PipelineStep {
  Stage stage;
  const char *name; ///< the pass is "sinter-" and this
  /// Null where the options do not want the pass.
  std::unique_ptr<mlir::Pass> (*make)(const CompileOptions &options);
  bool ablatable; ///< whether --no-<name> exists
};

/// All steps in the order they run.
std::span<const PipelineStep> pipelineSteps();

/// Adds the steps of one stage that `options` leave switched on. With
/// `fusionRemarks` all fusions say what they do, not only those in
/// `options.remarks`.
void addStage(mlir::OpPassManager &passes, Stage stage,
              const CompileOptions &options, bool fusionRemarks = false);

/// Whether names in `options` (disabled, required, remarks) exist and may be
/// used so. The error answers an unknown name with the nearest ones.
llvm::Error checkNames(const CompileOptions &options);

/// One line per step, for --list-passes.
std::string listPasses();

/// The names of `known` nearest to `name`, as " (did you mean 'a' or 'b'?)",
/// or nothing where none is near.
std::string nearest(llvm::StringRef name,
                    llvm::ArrayRef<llvm::StringRef> known);

/// Makes --sinter-pipeline known to the pass drivers of this process.
void registerSinterPipeline();

} // namespace sinter

#endif // SINTER_COMPILER_PIPELINE_H
