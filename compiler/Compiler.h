/// The public call of the compiler: a GGUF file and options in, a file out.
#ifndef SINTER_COMPILER_COMPILER_H
#define SINTER_COMPILER_COMPILER_H

#include "compiler/Options.h"
#include "compiler/Progress.h"
#include "compiler/Report.h"
#include "frontends/gguf/Import.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace sinter {

struct TargetResult {
  std::string name;  ///< "x86-64-v4", "sm_121a"
  std::string facts; ///< #sinter.target, as the IR prints it
  Report report;     ///< as far as `emit` went
};

struct CompileResult {
  ModelInfo model;
  std::vector<TargetResult> targets; ///< one at least
  std::vector<std::string> remarks;
  std::vector<std::string> warnings;
};

/// Compiles the model at `path`. With Emit::Artifact, `output` is the compiled
/// model, complete or not there at all; else text of that stage is written to
/// `output`, or stdout for "-". The same file, options and machine give the
/// same bytes. Errors are one line that names file, tensor, key or flag.
llvm::Expected<CompileResult> compileModel(const std::string &path,
                                           const std::string &output,
                                           const CompileOptions &options,
                                           Progress &progress);

} // namespace sinter

#endif // SINTER_COMPILER_COMPILER_H
