/// Which layers of a model attend to a window only: families say what they do
/// where the file says nothing, the file says the rest.
#ifndef SINTER_FRONTENDS_GGUF_WINDOWS_H
#define SINTER_FRONTENDS_GGUF_WINDOWS_H

#include "frontends/gguf/ModelSource.h"

#include <cstdint>
#include <vector>

namespace sinter {

/// What holds for a family's files that do not have the keys.
struct WindowDefaults {
  int64_t length = 0; ///< 0: without the key there is no window
  int64_t period = 1; ///< the last layer of each so many attends to all
};

class Windows {
public:
  /// Reads attention.sliding_window and attention.sliding_window_pattern: a
  /// flag for each layer, or the period.
  Windows(ModelSource &source, const Extent &layers, WindowDefaults defaults);

  /// Positions that a token of `layer` sees, its own included; 0: all.
  int64_t of(size_t layer) const {
    return layer < lengths.size() ? lengths[layer] : 0;
  }
  /// Whether any layer has a window.
  bool any() const;

private:
  std::vector<int64_t> lengths;
};

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_WINDOWS_H
