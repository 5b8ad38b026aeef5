/// How fast the machine of a target is, for predictions. A compilation measures
/// nothing, or the same model would not give the same bytes.
#ifndef SINTER_COMPILER_MACHINERATES_H
#define SINTER_COMPILER_MACHINERATES_H

#include "dialects/sinter/Sinter.h"
#include "runtime/LaunchCost.h"

namespace sinter {

/// Typical figures of the processor family `cpu` (LLVM's name; empty: of the
/// target's level), which `source` of the result names.
MachineRates typicalRates(TargetAttr target, llvm::StringRef cpu);

/// `typical` with what was measured of the machine itself.
MachineRates measuredRates(const MachineRates &typical,
                           const MachineRates &measured);

} // namespace sinter

#endif // SINTER_COMPILER_MACHINERATES_H
