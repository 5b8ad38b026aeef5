/// Chooses what a session runs on.
#ifndef SINTER_RUNTIME_MAKEEXECUTOR_H
#define SINTER_RUNTIME_MAKEEXECUTOR_H

#include "runtime/Artifact.h"
#include "runtime/Device.h"
#include "runtime/Executor.h"
#include "runtime/Status.h"

#include <memory>
#include <string>
#include <vector>

namespace sinter {

/// An executor for the artifact's target that suits `device`, which becomes the
/// chosen one: sessions of one artifact run on one kind of device. `threads` 0:
/// one for each core. `notes` gets what a user should know. Errors name the
/// file and say what to do.
Result<std::unique_ptr<Executor>> makeExecutor(Artifact &artifact,
                                               const Device &device,
                                               int threads,
                                               std::vector<std::string> &notes);

} // namespace sinter

#endif // SINTER_RUNTIME_MAKEEXECUTOR_H
