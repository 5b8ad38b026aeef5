/// The ops of multi-head latent attention: included only where they are met.
#ifndef SINTER_DIALECTS_SINTER_LATENTOPS_H
#define SINTER_DIALECTS_SINTER_LATENTOPS_H

#include "dialects/sinter/Sinter.h"

#define GET_OP_CLASSES
#include "dialects/sinter/LatentOps.h.inc"

namespace sinter {

void registerLatentOps(SinterDialect &dialect);

} // namespace sinter

#endif // SINTER_DIALECTS_SINTER_LATENTOPS_H
