/// The progress display.
#include "compiler/Progress.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace sinter {

bool Progress::due(bool last) {
  if (style == ProgressStyle::Silent)
    return false;
  auto now = std::chrono::steady_clock::now();
  if (!last && now < next)
    return false;
  next = now + std::chrono::milliseconds(100);
  return true;
}

void Progress::show(const std::string &line) {
  if (style == ProgressStyle::Json)
    fmt::print(stderr, "{}\n", line);
  else // return, erase the line
    fmt::print(stderr, "\r\x1b[K{}", line);
  std::fflush(stderr);
  drawn = style == ProgressStyle::Terminal;
}

void Progress::clear() {
  if (drawn)
    fmt::print(stderr, "\r\x1b[K");
  drawn = false;
}

static std::string bar(double part) {
  constexpr unsigned width = 30;
  unsigned full = static_cast<unsigned>(part * width);
  return std::string(full, '=') + std::string(width - full, ' ');
}

void Progress::pass(llvm::StringRef name) {
  if (!due(style == ProgressStyle::Json))
    return;
  if (style == ProgressStyle::Json)
    show(nlohmann::json{{"pass", name.str()}}.dump());
  else
    show("passes   " + name.str());
}

void Progress::kernels(size_t done, size_t all) {
  if (!due(done == all))
    return;
  if (style == ProgressStyle::Json)
    show(nlohmann::json{{"kernels", done}, {"of", all}}.dump());
  else
    show(fmt::format("kernels  [{}] {} of {}",
                     bar(static_cast<double>(done) / all), done, all));
}

void Progress::bytes(uint64_t done, uint64_t all) {
  if (!due(done == all))
    return;
  if (style == ProgressStyle::Json)
    show(nlohmann::json{{"packed", done}, {"of", all}}.dump());
  else
    show(fmt::format("weights  [{}] {} of {} MB",
                     bar(all ? static_cast<double>(done) / all : 1),
                     done / 1000000, all / 1000000));
}

void Progress::tuning(size_t done, size_t all) {
  if (!due(true))
    return;
  if (style == ProgressStyle::Json)
    show(nlohmann::json{{"tuned", done}, {"of", all}}.dump());
  else
    show(fmt::format("tuning   [{}] round {} of {}",
                     bar(static_cast<double>(done) / all), done, all));
}

} // namespace sinter
