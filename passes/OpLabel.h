/// Names an op the way a user would, for reports, refusals and profiles.
#ifndef SINTER_PASSES_OPLABEL_H
#define SINTER_PASSES_OPLABEL_H

#include "mlir/IR/Operation.h"

#include <string>

namespace sinter {

/// "blk.3.attn_q": the name in the op's location; without one, the weight it
/// reads; without that, the op's own name.
std::string labelOf(mlir::Operation *op);

} // namespace sinter

#endif // SINTER_PASSES_OPLABEL_H
