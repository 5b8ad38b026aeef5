/// Reads the keys of sliding windows.
#include "frontends/gguf/Windows.h"

#include "llvm/ADT/STLExtras.h"

using namespace sinter;

Windows::Windows(ModelSource &source, const Extent &layers,
                 WindowDefaults defaults) {
  int64_t length = source.count("attention.sliding_window", defaults.length);
  size_t count = layers.value;
  lengths.assign(count, length);
  std::vector<int64_t> pattern =
      source.ofLayers("attention.sliding_window_pattern", count);
  bool flags = llvm::all_of(pattern, [](int64_t n) { return n <= 1; });
  int64_t period = defaults.period;
  if (!flags)
    period = pattern.front();
  for (size_t i = 0; i < count; ++i) {
    bool windowed = flags && !pattern.empty()
                        ? pattern[i] != 0
                        : period == 0 || int64_t(i) % period < period - 1;
    if (!windowed)
      lengths[i] = 0;
  }
}

bool Windows::any() const {
  return llvm::any_of(lengths, [](int64_t length) { return length != 0; });
}
