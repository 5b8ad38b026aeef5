/// How long the context of a session is: what was asked for, or what the model
/// was trained for as far as a device has room.
#ifndef SINTER_RUNTIME_CONTEXTLENGTH_H
#define SINTER_RUNTIME_CONTEXTLENGTH_H

#include "runtime/Plan.h"
#include "runtime/Status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sinter {

/// Tokens of each of `sequences`, `asked` of them or, for 0, the trained
/// context, halved until caches and what steps need fit `freeBytes` (0: no
/// limit is known, since a processor's memory is taken as it is touched). A
/// note says when that is less than the model was trained for. Errors:
/// InvalidArgument for more than the model knows.
Result<uint32_t> chooseContext(const Plan &plan, uint32_t asked,
                               uint32_t sequences, uint64_t freeBytes,
                               std::vector<std::string> &notes);

} // namespace sinter

#endif // SINTER_RUNTIME_CONTEXTLENGTH_H
