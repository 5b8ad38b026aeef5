/// The activations and scalings of the sinter dialect.
#ifndef SINTER_DIALECTS_SINTER_ELEMENTWISEOPS_H
#define SINTER_DIALECTS_SINTER_ELEMENTWISEOPS_H

#include "dialects/sinter/Sinter.h"

#define GET_OP_CLASSES
#include "dialects/sinter/ElementwiseOps.h.inc"

namespace sinter {

void registerElementwiseOps(SinterDialect &dialect);

} // namespace sinter

#endif // SINTER_DIALECTS_SINTER_ELEMENTWISEOPS_H
