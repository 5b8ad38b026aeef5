/// Runs the compiler as a program of its own, without a shell, and keeps what
/// it made.
#include "runtime/emulated/HostCompiler.h"

#include "runtime/Checksum.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace sinter {

namespace fs = std::filesystem;

/// -O1 runs within a tenth of -O2's time and compiles in two thirds of it; no
/// contraction, since kernels say where they fuse multiply and add.
static constexpr const char *kFlags[] = {
    "-std=c++20", "-O1", "-fPIC", "-shared", "-ffp-contract=off",
#if defined(__x86_64__)
    "-mfma",
#endif
};

static fs::path cacheFolder() {
  const char *cache = std::getenv("XDG_CACHE_HOME");
  const char *home = std::getenv("HOME");
  if (cache && cache[0] == '/')
    return fs::path(cache) / "sinter/emulated";
  if (home && home[0] == '/')
    return fs::path(home) / ".cache/sinter/emulated";
  return fs::temp_directory_path() / fmt::format("sinter-{}", getuid());
}

/// Whether nobody else can put a library there that we would run.
static bool isOwn(const fs::path &folder) {
  struct stat status = {};
  return lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == geteuid() && !(status.st_mode & S_IWOTH);
}

/// Makes the folder for what was compiled. One in a folder that all share is
/// used if it is ours.
static Status makeCache(const fs::path &folder) {
  std::error_code problem;
  fs::create_directories(folder.parent_path(), problem);
  mkdir(folder.c_str(), 0700);
  if (!isOwn(folder))
    return Status(Code::ResourceExhausted,
                  fmt::format("'{}' cannot keep compiled kernels: it is no "
                              "folder of this user alone; XDG_CACHE_HOME may "
                              "name another",
                              folder.string()));
  return {};
}

/// A program of this name in PATH, or the name itself if it is a path.
static std::string findProgram(const std::string &name) {
  if (name.find('/') != std::string::npos)
    return access(name.c_str(), X_OK) == 0 ? name : "";
  const char *variable = std::getenv("PATH");
  std::string_view paths = variable ? variable : "/usr/bin:/bin";
  while (!paths.empty()) {
    size_t end = std::min(paths.find(':'), paths.size());
    std::string path = fmt::format("{}/{}", paths.substr(0, end), name);
    if (access(path.c_str(), X_OK) == 0)
      return path;
    paths.remove_prefix(std::min(end + 1, paths.size()));
  }
  return "";
}

static Result<std::string> findCompiler() {
  const char *chosen = std::getenv("SINTER_CXX");
  if (chosen && *chosen) {
    if (std::string path = findProgram(chosen); !path.empty())
      return path;
    return Status(
        Code::NotFound,
        fmt::format("SINTER_CXX names '{}', which is no program", chosen));
  }
  for (const char *name : {"c++", "g++", "clang++"})
    if (std::string path = findProgram(name); !path.empty())
      return path;
  return Status(Code::NotFound,
                "an emulated device needs a C++ compiler, and there is no c++, "
                "g++ or clang++ here; install one (Debian: g++) or name it in "
                "SINTER_CXX");
}

static Result<std::vector<std::byte>> readBytes(const fs::path &path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    return Status(Code::NotFound,
                  fmt::format("cannot read '{}'", path.string()));
  std::vector<std::byte> bytes(static_cast<size_t>(file.tellg()));
  file.seekg(0);
  file.read(reinterpret_cast<char *>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

static bool holds(const fs::path &path, std::string_view text) {
  Result<std::vector<std::byte>> bytes = readBytes(path);
  return bytes.ok() && bytes->size() == text.size() &&
         std::memcmp(bytes->data(), text.data(), text.size()) == 0;
}

/// Runs a program with what it prints in `log`; its exit status, or -1.
static int runProgram(std::vector<std::string> arguments, const fs::path &log) {
  std::vector<char *> pointers;
  for (std::string &argument : arguments)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t child = 0;
  int problem = posix_spawn(&child, pointers[0], &actions, nullptr,
                            pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (problem != 0)
    return -1;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// The first lines of what the compiler said.
static std::string excerpt(const fs::path &log) {
  Result<std::vector<std::byte>> bytes = readBytes(log);
  if (!bytes.ok())
    return "nothing";
  std::string text(reinterpret_cast<const char *>(bytes->data()),
                   std::min<size_t>(bytes->size(), 2000));
  return text;
}

/// Compiles the text at `input` to `output`, by way of a name of our own, so
/// that another process never sees half a file.
static Status compileFile(const std::string &compiler, const fs::path &input,
                          const fs::path &output) {
  fs::path made = output;
  made += fmt::format(".{}", getpid());
  fs::path log = made;
  log += ".log";
  std::vector<std::string> arguments = {compiler};
  arguments.insert(arguments.end(), std::begin(kFlags), std::end(kFlags));
  for (const std::string &argument :
       {std::string("-x"), std::string("c++"), input.string(),
        std::string("-o"), made.string()})
    arguments.push_back(argument);
  int status = runProgram(arguments, log);
  std::string said = status == 0 ? "" : excerpt(log);
  std::error_code ignored;
  fs::remove(log, ignored);
  if (status != 0)
    return Status(Code::Unsupported,
                  fmt::format("'{}' cannot compile the kernels for an emulated "
                              "device (exit status {}): {}",
                              compiler, status, said));
  std::error_code problem;
  fs::rename(made, output, problem);
  if (problem)
    return Status(Code::ResourceExhausted,
                  fmt::format("cannot rename '{}': {}", made.string(),
                              problem.message()));
  return {};
}

Result<std::vector<std::byte>> compileForHost(std::string_view source) {
  Result<std::string> compiler = findCompiler();
  if (!compiler.ok())
    return compiler.status();
  std::string key = *compiler;
  for (const char *flag : kFlags)
    key += std::string(" ") + flag;
  (key += "\n") += source;
  fs::path folder = cacheFolder();
  SINTER_TRY(makeCache(folder));
  std::error_code problem;
  fs::path stem =
      folder / fmt::format("{:016x}", checksum(std::as_bytes(std::span(key))));
  fs::path text = stem, object = stem;
  text += ".cpp";
  object += ".so";
  // A file that was cut off is no text of ours: then it is made again.
  if (holds(text, source) && fs::exists(object, problem))
    return readBytes(object);
  fs::path written = text;
  written += fmt::format(".{}", getpid());
  if (std::ofstream file(written, std::ios::binary);
      !file.write(source.data(), std::streamsize(source.size())).flush())
    return Status(Code::ResourceExhausted,
                  fmt::format("cannot write '{}'; XDG_CACHE_HOME may name "
                              "another folder",
                              written.string()));
  Status compiled = compileFile(*compiler, written, object);
  fs::rename(written, text, problem);
  if (!compiled.ok()) {
    fs::remove(text, problem);
    return compiled;
  }
  return readBytes(object);
}

} // namespace sinter
