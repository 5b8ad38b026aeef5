/// The ops of encoders and of pooling: included only where they are met.
#ifndef SINTER_DIALECTS_SINTER_ENCODEROPS_H
#define SINTER_DIALECTS_SINTER_ENCODEROPS_H

#include "dialects/sinter/Sinter.h"

#define GET_OP_CLASSES
#include "dialects/sinter/EncoderOps.h.inc"

namespace sinter {

void registerEncoderOps(SinterDialect &dialect);

} // namespace sinter

#endif // SINTER_DIALECTS_SINTER_ENCODEROPS_H
