/// The facts of the chip that code is made for: of this machine, or of a level
/// that many machines have.
#ifndef SINTER_COMPILER_HOSTTARGET_H
#define SINTER_COMPILER_HOSTTARGET_H

#include "dialects/sinter/Sinter.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace sinter {

/// Facts of "native", "x86-64-v3", "x86-64-v4" or a GPU ("sm_121a"; "sm_121"
/// means the same). Errors: an unknown name, or native on a machine below
/// x86-64-v3.
llvm::Expected<TargetAttr> targetNamed(llvm::StringRef name,
                                       mlir::MLIRContext &context);

/// Facts of this machine, as if its processor were `cpu` and had `features`
/// (both by LLVM's names).
llvm::Expected<TargetAttr> nativeTarget(const llvm::StringMap<bool> &features,
                                        llvm::StringRef cpu,
                                        mlir::MLIRContext &context);

/// Whether code for `target` runs on a GPU.
bool isGpu(TargetAttr target);

/// LLVM names of all processor features that code for `target` may use.
std::vector<std::string> requiredFeatures(TargetAttr target);

} // namespace sinter

#endif // SINTER_COMPILER_HOSTTARGET_H
