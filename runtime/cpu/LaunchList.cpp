/// The innermost loop of the runtime: it only splits, calls and waits.
#include "runtime/cpu/LaunchList.h"

#include <cassert>
#include <chrono>

namespace sinter {
namespace {

struct Walk {
  ThreadPool *pool;
  std::span<const BoundLaunch> launches;
  const Batch &batch;
  std::span<LaunchTime> times;
};

bool isAlone(const Walk &task) { return task.batch.tokens == 1; }

int threadsOf(const Walk &task) { return task.pool ? task.pool->threads() : 1; }

/// Whether each thread works on its shares of the launch.
bool isShared(const Walk &task, const BoundLaunch &launch) {
  return launch.shares && isAlone(task) && launch.shares % threadsOf(task) == 0;
}

bool mustWait(const Walk &task, const BoundLaunch &launch) {
  switch (launch.barrier) {
  case LaunchBarrier::None:
    return false;
  case LaunchBarrier::Always:
    return true;
  case LaunchBarrier::Batch:
    return !isAlone(task);
  case LaunchBarrier::Unshared:
    return !isShared(task, launch);
  }
  return true;
}

void waitBefore(const Walk &task, const BoundLaunch &launch) {
  if (task.pool && mustWait(task, launch))
    task.pool->barrier();
}

void callShares(const Walk &task, const BoundLaunch &launch, int thread) {
  int64_t first = 0;
  for (uint32_t items : launch.parts) {
    ItemRange range = splitItems(items, thread, threadsOf(task));
    if (range.begin < range.end)
      launch.kernel(launch.operands, &task.batch, first + range.begin,
                    first + range.end);
    first += items;
  }
}

void callKernel(const Walk &task, const BoundLaunch &launch, int thread) {
  if (isShared(task, launch))
    return callShares(task, launch, thread);
  int threads = threadsOf(task);
  int64_t items = itemCount(launch, task.batch);
  ItemRange range = launch.replicated && isAlone(task)
                        ? ItemRange{0, items}
                        : splitItems(items, thread, threads);
  if (range.begin < range.end)
    launch.kernel(launch.operands, &task.batch, range.begin, range.end);
}

void walk(void *context, int thread) {
  const Walk &task = *static_cast<const Walk *>(context);
  for (const BoundLaunch &launch : task.launches) {
    waitBefore(task, launch);
    callKernel(task, launch, thread);
  }
}

/// The same with a look at the clock before and after each kernel, which costs
/// some 50 ns a launch.
void walkTimed(void *context, int thread) {
  if (thread != 0)
    return walk(context, thread);
  using Clock = std::chrono::steady_clock;
  auto seconds = [](Clock::duration time) {
    return std::chrono::duration<double>(time).count();
  };
  const Walk &task = *static_cast<const Walk *>(context);
  Clock::time_point ended = Clock::now();
  for (size_t i = 0; i < task.launches.size(); ++i) {
    waitBefore(task, task.launches[i]);
    Clock::time_point began = Clock::now();
    callKernel(task, task.launches[i], thread);
    task.times[i].wait += seconds(began - ended);
    ended = Clock::now();
    task.times[i].work += seconds(ended - began);
    ++task.times[i].steps;
  }
}

} // namespace

int64_t itemCount(ItemDimension dimension, uint32_t count, uint32_t tile,
                  const Batch &batch) {
  int64_t rows = 1;
  if (dimension == ItemDimension::Tokens)
    rows = (batch.tokens + int64_t(tile) - 1) / tile;
  else if (dimension == ItemDimension::Rows)
    rows = (batch.outputRows + int64_t(tile) - 1) / tile;
  return rows * count;
}

void runLaunches(ThreadPool *pool, std::span<const BoundLaunch> launches,
                 const Batch &batch, std::span<LaunchTime> times) {
  assert((times.empty() || times.size() == launches.size()) &&
         "one time for each launch");
  Walk task = {pool, launches, batch, times};
  ThreadPool::Job job = times.empty() ? walk : walkTimed;
  if (pool)
    pool->run(job, &task);
  else
    job(&task, 0);
}

} // namespace sinter
