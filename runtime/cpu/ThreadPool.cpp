/// Waiting spins first, because launches are microseconds apart, then sleeps,
/// because another program may need the core.
#include "runtime/cpu/ThreadPool.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <sched.h>
#include <system_error>

namespace sinter {
namespace {

/// Longer than the gap between launches, shorter than a scheduler's slice.
constexpr std::chrono::microseconds kSpin{50};
/// Pauses between two looks at the clock: about a microsecond.
constexpr int kPauses = 32;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Returns when `word` is no longer `old`.
void waitForChange(const std::atomic<uint32_t> &word, uint32_t old) {
  auto deadline = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kPauses; ++i) {
      if (word.load(std::memory_order_acquire) != old)
        return;
      pause();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  while (word.load(std::memory_order_acquire) == old)
    word.wait(old, std::memory_order_acquire);
}

/// Where a thread may run: changed for a scope, or for good. A system that
/// refuses leaves it as it was; the threads then merely wander.
class Affinity {
public:
  explicit Affinity(int processor) {
    if (processor >= CPU_SETSIZE ||
        sched_getaffinity(0, sizeof(before_), &before_) != 0)
      return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    changed_ = sched_setaffinity(0, sizeof(one), &one) == 0;
  }
  ~Affinity() {
    if (changed_)
      sched_setaffinity(0, sizeof(before_), &before_);
  }
  Affinity(const Affinity &) = delete;
  Affinity &operator=(const Affinity &) = delete;

private:
  cpu_set_t before_;
  bool changed_ = false;
};

} // namespace

Result<std::unique_ptr<ThreadPool>>
ThreadPool::create(int threads, std::vector<int> processors) {
  if (threads < 1 || threads > kMaxThreads)
    return Status(Code::InvalidArgument,
                  fmt::format("{} threads asked for, expected 1 to {}", threads,
                              kMaxThreads));
  if (processors.size() != size_t(threads))
    processors.clear();
  std::unique_ptr<ThreadPool> pool(
      new ThreadPool(threads, std::move(processors)));
  pool->workers_.reserve(threads - 1);
  for (int i = 1; i < threads; ++i) {
    try {
      pool->workers_.emplace_back([raw = pool.get(), i] { raw->work(i); });
    } catch (const std::system_error &error) {
      pool->threads_ = i; // the destructor stops those that run
      return Status(Code::ResourceExhausted,
                    fmt::format("cannot start thread {} of {}: {}", i + 1,
                                threads, error.what()));
    }
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  started_.fetch_add(1, std::memory_order_release);
  started_.notify_all();
  for (std::thread &worker : workers_)
    worker.join();
}

void ThreadPool::work(int thread) {
  std::optional<Affinity> place;
  if (!processors_.empty())
    place.emplace(processors_[thread]);
  for (uint32_t seen = 0;; ++seen) {
    waitForChange(started_, seen);
    if (stopping_)
      return;
    job_(context_, thread);
    barrier();
  }
}

void ThreadPool::run(Job job, void *context) {
  if (threads_ == 1)
    return job(context, 0);
  std::optional<Affinity> place;
  if (!processors_.empty())
    place.emplace(processors_[0]);
  job_ = job;
  context_ = context;
  started_.fetch_add(1, std::memory_order_release);
  started_.notify_all();
  job(context, 0);
  barrier();
}

void ThreadPool::barrier() {
  if (threads_ == 1)
    return;
  uint32_t passed = passed_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    passed_.fetch_add(1, std::memory_order_release);
    passed_.notify_all();
    return;
  }
  waitForChange(passed_, passed);
}

} // namespace sinter
