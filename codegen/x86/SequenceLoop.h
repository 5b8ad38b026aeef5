/// Walks a step sequence by sequence: what has a state must see a sequence's
/// tokens in order, and all of them.
#ifndef SINTER_CODEGEN_X86_SEQUENCELOOP_H
#define SINTER_CODEGEN_X86_SEQUENCELOOP_H

#include "codegen/x86/KernelBuilder.h"

namespace sinter::x86 {

/// One sequence's tokens of the step.
struct SequenceRun {
  Value slot;       ///< of its states
  Value begin, end; ///< tokens [begin, end)
};

void forEachSequence(KernelBuilder &k,
                     llvm::function_ref<void(const SequenceRun &)> body);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_SEQUENCELOOP_H
