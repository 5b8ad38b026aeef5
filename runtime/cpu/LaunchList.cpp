/// The innermost loop of the runtime: it only splits, calls and waits.
#include "runtime/cpu/LaunchList.h"

namespace sinter {
namespace {

struct Walk {
  ThreadPool &pool;
  std::span<const BoundLaunch> launches;
  const Batch &batch;
};

void walk(void *context, int thread) {
  const Walk &task = *static_cast<const Walk *>(context);
  int threads = task.pool.threads();
  for (const BoundLaunch &launch : task.launches) {
    if (launch.barrier)
      task.pool.barrier();
    ItemRange range =
        splitItems(itemCount(launch, task.batch), thread, threads);
    if (range.begin < range.end)
      launch.kernel(launch.operands, &task.batch, range.begin, range.end);
  }
}

} // namespace

int64_t itemCount(const BoundLaunch &launch, const Batch &batch) {
  int64_t rows = 1;
  if (launch.dimension == ItemDimension::Tokens)
    rows = (batch.tokens + int64_t(launch.tile) - 1) / launch.tile;
  else if (launch.dimension == ItemDimension::Rows)
    rows = (batch.outputRows + int64_t(launch.tile) - 1) / launch.tile;
  return rows * launch.count;
}

void runLaunches(ThreadPool &pool, std::span<const BoundLaunch> launches,
                 const Batch &batch) {
  Walk task = {pool, launches, batch};
  pool.run(walk, &task);
}

} // namespace sinter
