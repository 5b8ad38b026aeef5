/// Keeps worker threads that walk a step together: started once, asleep
/// between steps, and held in order by a barrier inside one.
#ifndef SINTER_RUNTIME_CPU_THREADPOOL_H
#define SINTER_RUNTIME_CPU_THREADPOOL_H

#include "runtime/Status.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace sinter {

inline constexpr int kMaxThreads = 1024;

/// A fixed number of threads, of which the caller of run() is the first.
class ThreadPool {
public:
  /// What every thread runs; `thread` counts from 0.
  using Job = void (*)(void *context, int thread);

  /// Starts `threads` - 1 workers. With as many `processors`, thread i stays on
  /// processors[i] (the caller only while it runs): without that the system
  /// now and then puts two threads that spin on one core, and a step takes
  /// twice its time. Errors: InvalidArgument for a number outside
  /// [1, kMaxThreads], ResourceExhausted.
  static Result<std::unique_ptr<ThreadPool>>
  create(int threads, std::vector<int> processors = {});

  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;
  ~ThreadPool();

  int threads() const { return threads_; }

  /// Runs job(context, i) on every thread i and returns when all have ended.
  /// Allocates nothing. One caller at a time.
  void run(Job job, void *context);

  /// Inside a job, on every thread: returns when all threads are here.
  void barrier();

private:
  ThreadPool(int threads, std::vector<int> processors)
      : threads_(threads), processors_(std::move(processors)) {}

  void work(int thread);

  int threads_;
  std::vector<int> processors_; ///< of each thread; empty: anywhere
  Job job_ = nullptr;
  void *context_ = nullptr;
  bool stopping_ = false;
  // Each on its own cache line: they are written at different moments.
  alignas(64) std::atomic<uint32_t> started_ = 0; ///< jobs begun so far
  alignas(64) std::atomic<int> arrived_ = 0;
  alignas(64) std::atomic<uint32_t> passed_ = 0; ///< barriers passed so far
  std::vector<std::thread> workers_;
};

/// The items of [0, count) that thread `thread` of `threads` works on: equal
/// contiguous ranges, the same for every run.
struct ItemRange {
  int64_t begin;
  int64_t end;
};
constexpr ItemRange splitItems(int64_t count, int thread, int threads) {
  return {count * thread / threads, count * (thread + 1) / threads};
}

} // namespace sinter

#endif // SINTER_RUNTIME_CPU_THREADPOOL_H
