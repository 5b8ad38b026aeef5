/// Shows a person, or a program, how far a compilation is.
#ifndef SINTER_COMPILER_PROGRESS_H
#define SINTER_COMPILER_PROGRESS_H

#include "llvm/ADT/StringRef.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace sinter {

/// `Terminal` redraws one line, `Json` prints one object a line.
enum class ProgressStyle { Silent, Terminal, Json };

/// Writes to stderr. Called from one thread at a time.
class Progress {
public:
  explicit Progress(ProgressStyle style) : style(style) {}
  ~Progress() { clear(); }

  void pass(llvm::StringRef name);
  void kernels(size_t done, size_t all);
  void bytes(uint64_t done, uint64_t all);
  /// Rounds of tile tuning, each of which takes seconds.
  void tuning(size_t done, size_t all);
  /// Takes the line off the terminal, so that other text may follow.
  void clear();

private:
  /// `Json` always, `Terminal` ten times a second and at the end.
  bool due(bool last);
  void show(const std::string &line);

  ProgressStyle style;
  bool drawn = false;
  std::chrono::steady_clock::time_point next;
};

} // namespace sinter

#endif // SINTER_COMPILER_PROGRESS_H
