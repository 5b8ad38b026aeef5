/// Ends every program the same way: 0; 1 and one line of error, also where a
/// library throws or nobody takes the output; 2 where the arguments are wrong.
#ifndef SINTER_TOOLS_PROGRAM_H
#define SINTER_TOOLS_PROGRAM_H

#include "runtime/Device.h"
#include "runtime/Status.h"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

namespace sinter {

/// Writes what libraries have buffered. Errors: ResourceExhausted.
inline Status flushOutput() {
  if (std::cout.flush() && std::fflush(stdout) == 0 && !std::ferror(stdout))
    return {};
  return Status(Code::ResourceExhausted,
                std::string("cannot write to standard output: ") +
                    std::strerror(errno));
}

/// Writes `text` at once, for a reader who waits. Errors: ResourceExhausted.
inline Status writeOutput(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return flushOutput();
}

/// --device, --no-graphs and --no-dependent-launch, for programs that run a
/// model.
inline void addDevice(CLI::App &app, Device &device) {
  app.add_option_function<std::string>(
         "--device",
         [&device](const std::string &text) {
           if (Status status = parseDevice(text, device); !status.ok())
             throw CLI::ValidationError("--device", status.message());
         },
         "auto: a GPU if the model is for one that is here; cpu; the number of "
         "a GPU; emulated: a GPU played by this processor, slow, to check its "
         "kernels")
      ->default_str("auto");
  app.add_flag_callback(
      "--no-graphs", [&device] { device.graphs = false; },
      "launch a GPU's kernels one by one, not as captured graphs");
  app.add_flag_callback(
      "--no-dependent-launch", [&device] { device.early = false; },
      "let no kernel of a GPU begin before the one before it has ended");
}

/// Says what the user should know of where a model runs.
inline void printNotes(std::span<const std::string> notes) {
  for (const std::string &note : notes)
    std::fprintf(stderr, "note: %s\n", note.c_str());
}

/// Prints with C, since what failed may be fmt's own print.
inline int endWithError(const CLI::App &app, const char *message, int code) {
  std::fprintf(stderr, "%s: error: %s\n", app.get_name().c_str(), message);
  return code;
}

/// Parses the arguments and does `body`, which returns a Status; it may throw
/// CLI::ParseError for what only it can tell. Returns the exit code.
template <typename Body>
int runProgram(CLI::App &app, int argc, char **argv, Body body) {
  try {
    app.parse(argc, argv);
    Status status = body();
    if (status.ok())
      status = flushOutput();
    return status.ok() ? 0 : endWithError(app, status.message().c_str(), 1);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() != 0)
      return endWithError(app, error.what(), 2);
    app.exit(error); // prints the help
    Status status = flushOutput();
    return status.ok() ? 0 : endWithError(app, status.message().c_str(), 1);
  } catch (const std::exception &error) {
    return endWithError(app, error.what(), 1);
  }
}

} // namespace sinter

#endif // SINTER_TOOLS_PROGRAM_H
