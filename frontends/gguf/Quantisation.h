/// Names a file's mix of weight formats as people know it.
#ifndef SINTER_FRONTENDS_GGUF_QUANTISATION_H
#define SINTER_FRONTENDS_GGUF_QUANTISATION_H

#include "frontends/gguf/GgufModel.h"

#include <string>

namespace sinter {

/// The word for general.file_type, such as "Q4_K_M"; without that key the
/// format that most of the bytes are in, such as "NVFP4".
std::string quantisationOf(const GgufModel &model);

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_QUANTISATION_H
