/// Which matmuls belong to a recurrent layer: two fusions must agree on it.
#ifndef SINTER_PASSES_RECURRENTPROJECTIONS_H
#define SINTER_PASSES_RECURRENTPROJECTIONS_H

#include "dialects/sinter/Sinter.h"

namespace sinter {

/// Whether a recurrence reads the product: as what it scans or convolves, as
/// decay, step or gate. Boxes drawn meanwhile make no difference.
bool feedsRecurrence(MatmulOp matmul);

} // namespace sinter

#endif // SINTER_PASSES_RECURRENTPROJECTIONS_H
