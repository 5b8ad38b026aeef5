/// Carries errors through the runtime without exceptions: C++20 here has no
/// std::expected, and an error must say what was found and what was expected.
#ifndef SINTER_RUNTIME_STATUS_H
#define SINTER_RUNTIME_STATUS_H

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace sinter {

/// What kind of failure it is, so that tools can choose an exit code.
enum class Code {
  Ok,
  InvalidArgument,   ///< a flag or a call the user can correct
  NotFound,          ///< a file or a name that is not there
  CorruptData,       ///< bytes that contradict their own format
  Unsupported,       ///< valid, but not on this machine or in this version
  OutOfRange,        ///< a limit (context, slots, vocabulary) was exceeded
  ResourceExhausted, ///< memory or disk
  Internal,          ///< our own mistake, met at run time
};

/// Success, or a code with a message. Must be looked at.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Code code, std::string message)
      : code_(code), message_(std::move(message)) {
    assert(code != Code::Ok && "an error status needs an error code");
  }

  bool ok() const { return code_ == Code::Ok; }
  Code code() const { return code_; }
  const std::string &message() const { return message_; }

  /// The same failure, with "context: " in front of its message.
  Status in(const std::string &context) const {
    return ok() ? Status() : Status(code_, context + ": " + message_);
  }

private:
  Code code_ = Code::Ok;
  std::string message_;
};

/// A value or the Status that says why there is none.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::move(value)) {}
  Result(Status status) : state_(std::move(status)) {
    assert(!std::get<Status>(state_).ok() && "a result needs a value");
  }

  bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }
  Status status() const { return ok() ? Status() : std::get<Status>(state_); }
  T &operator*() { return std::get<T>(state_); }
  const T &operator*() const { return std::get<T>(state_); }
  T *operator->() { return &std::get<T>(state_); }
  const T *operator->() const { return &std::get<T>(state_); }

private:
  std::variant<T, Status> state_;
};

} // namespace sinter

/// Returns the failure of `expression` (a Status) from the enclosing function.
#define SINTER_TRY(expression)                                                 \
  do {                                                                         \
    if (::sinter::Status status_ = (expression); !status_.ok())                \
      return status_;                                                          \
  } while (false)

#endif // SINTER_RUNTIME_STATUS_H
