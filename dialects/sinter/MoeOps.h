/// The ops of a mixture of experts: included only where they are met.
#ifndef SINTER_DIALECTS_SINTER_MOEOPS_H
#define SINTER_DIALECTS_SINTER_MOEOPS_H

#include "dialects/sinter/Sinter.h"

#define GET_OP_CLASSES
#include "dialects/sinter/MoeOps.h.inc"

namespace sinter {

void registerMoeOps(SinterDialect &dialect);

} // namespace sinter

#endif // SINTER_DIALECTS_SINTER_MOEOPS_H
