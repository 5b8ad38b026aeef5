/// Finds faster tiles for a model's kernels on this machine: `compile --tune`.
#ifndef SINTER_TOOLS_TILETUNING_H
#define SINTER_TOOLS_TILETUNING_H

#include "compiler/Options.h"
#include "compiler/Progress.h"
#include "runtime/Status.h"

#include <string>
#include <vector>

namespace sinter {

struct TuningOptions {
  std::string model;
  CompileOptions compile; ///< the model's own; its tiles are replaced
  std::string scratch;    ///< folder that does not exist yet, for two models
  unsigned rounds = 0;    ///< at most; 0: until no kernel has a candidate left
  unsigned repeat = 5;    ///< pairs of measurements of each candidate
};

struct TuningResult {
  std::string table; ///< the file written
  size_t kernels = 0, rounds = 0;
  std::vector<std::string> kept;  ///< a line for each kernel that gained
  std::vector<std::string> notes; ///< what could not be measured
};

/// Compiles the model with the candidates of all kernels, one candidate of each
/// at a time, and lets each such model take turns with that of the rules. What
/// gains more than the noise is measured once more, all together, and goes into
/// the table of this processor. Errors: those of compiling and running;
/// NotFound without a cache folder.
Result<TuningResult> tuneTiles(const TuningOptions &options,
                               Progress &progress);

} // namespace sinter

#endif // SINTER_TOOLS_TILETUNING_H
