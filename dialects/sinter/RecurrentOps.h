/// The ops of recurrent layers, apart from the rest because few passes know
/// them.
#ifndef SINTER_DIALECTS_SINTER_RECURRENTOPS_H
#define SINTER_DIALECTS_SINTER_RECURRENTOPS_H

#include "dialects/sinter/Sinter.h"

#define GET_OP_CLASSES
#include "dialects/sinter/RecurrentOps.h.inc"

namespace sinter {

void registerRecurrentOps(SinterDialect &dialect);

} // namespace sinter

#endif // SINTER_DIALECTS_SINTER_RECURRENTOPS_H
