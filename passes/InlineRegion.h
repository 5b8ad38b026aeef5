/// Inlines one box: how a fusion is taken back, for tests and for targets
/// without its kernel.
#ifndef SINTER_PASSES_INLINEREGION_H
#define SINTER_PASSES_INLINEREGION_H

#include "dialects/sinter/Sinter.h"

namespace sinter {

/// Puts the ops of the body where the region stood, and erases it.
void inlineRegion(RegionOp region);

} // namespace sinter

#endif // SINTER_PASSES_INLINEREGION_H
