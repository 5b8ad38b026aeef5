/// Tests that every item is worked on once, that barriers hold, and how many
/// threads a machine gets.
#include "runtime/cpu/ThreadPool.h"

#include "runtime/cpu/LaunchList.h"
#include "runtime/cpu/Topology.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <vector>

using namespace sinter;

namespace {

TEST(ThreadPool, RefusesOddThreadCounts) {
  for (int threads : {0, -1, kMaxThreads + 1}) {
    auto pool = ThreadPool::create(threads);
    ASSERT_FALSE(pool.ok());
    EXPECT_EQ(pool.status().message(),
              std::to_string(threads) +
                  " threads asked for, expected 1 to 1024");
  }
}

TEST(ThreadPool, SplitCoversAllItemsInOrder) {
  for (int64_t count : {0, 1, 2, 7, 64, 1000})
    for (int threads = 1; threads <= 9; ++threads) {
      int64_t end = 0;
      for (int thread = 0; thread < threads; ++thread) {
        ItemRange range = splitItems(count, thread, threads);
        EXPECT_EQ(range.begin, end);
        EXPECT_LE(range.end - range.begin, count / threads + 1);
        end = range.end;
      }
      EXPECT_EQ(end, count);
    }
}

TEST(ThreadPool, RunsEveryThreadOnce) {
  for (int threads = 1; threads <= 5; ++threads) {
    auto pool = ThreadPool::create(threads);
    ASSERT_TRUE(pool.ok());
    std::vector<int> calls(threads, 0);
    for (int run = 0; run < 100; ++run)
      (*pool)->run(
          [](void *context, int thread) {
            ++(*static_cast<std::vector<int> *>(context))[thread];
          },
          &calls);
    EXPECT_EQ(calls, std::vector<int>(threads, 100));
  }
}

TEST(ThreadPool, ThreadsStayWhereTheyArePut) {
  std::vector<int> allowed = allowedProcessors();
  if (allowed.size() < 2)
    GTEST_SKIP() << "one processor";
  std::vector<int> places = {allowed[1], allowed[0]};
  auto pool = ThreadPool::create(2, places);
  ASSERT_TRUE(pool.ok());
  std::vector<int> seen(2, -1);
  (*pool)->run(
      [](void *context, int thread) {
        (*static_cast<std::vector<int> *>(context))[thread] = sched_getcpu();
      },
      &seen);
  EXPECT_EQ(seen, places);
  EXPECT_EQ(allowedProcessors(), allowed) << "the caller got its own back";
}

TEST(ThreadPool, WithoutAPoolTheCallerDoesAll) {
  std::vector<int> calls(3, 0);
  void *operands[] = {&calls};
  BoundLaunch launch = {
      [](void *const *operands, const Batch *, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          ++(*static_cast<std::vector<int> *>(operands[0]))[i];
      },
      operands,
      ItemDimension::One,
      3,
      1,
      LaunchBarrier::Always,
      false};
  LaunchTime time;
  runLaunches(nullptr, std::span(&launch, 1), Batch{}, std::span(&time, 1));
  EXPECT_EQ(calls, std::vector<int>(3, 1));
  EXPECT_EQ(time.steps, 1u);
}

/// Each thread adds to its own cell and after a barrier reads all cells: plain
/// memory, so a barrier that leaks is a race that ThreadSanitizer sees too.
struct Stress {
  ThreadPool &pool;
  std::vector<int> cells;
  std::atomic<int> wrong = 0;

  static void job(void *context, int thread) {
    auto &self = *static_cast<Stress *>(context);
    for (int round = 1; round <= 50; ++round) {
      ++self.cells[thread];
      self.pool.barrier();
      for (int cell : self.cells)
        if (cell % 50 != round % 50)
          ++self.wrong;
      self.pool.barrier();
    }
  }
};

TEST(ThreadPool, BarrierHoldsUnderStress) {
  for (int threads : {2, 3, 4}) {
    auto pool = ThreadPool::create(threads);
    ASSERT_TRUE(pool.ok());
    Stress stress{**pool, std::vector<int>(threads, 0)};
    for (int run = 0; run < 20; ++run)
      (*pool)->run(Stress::job, &stress);
    EXPECT_EQ(stress.wrong, 0);
    EXPECT_EQ(stress.cells, std::vector<int>(threads, 20 * 50));
  }
}

TEST(LaunchList, CountsItems) {
  Batch batch = {};
  batch.tokens = 10;
  batch.outputRows = 3;
  BoundLaunch launch = {
      nullptr, nullptr, ItemDimension::One, 6, 4, LaunchBarrier::None, false};
  EXPECT_EQ(itemCount(launch, batch), 6);
  launch.dimension = ItemDimension::Tokens;
  EXPECT_EQ(itemCount(launch, batch), 6 * 3);
  launch.dimension = ItemDimension::Rows;
  EXPECT_EQ(itemCount(launch, batch), 6);
  batch.outputRows = 0;
  EXPECT_EQ(itemCount(launch, batch), 0);
}

void addOne(void *const *operands, const Batch *, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i)
    ++static_cast<int *>(operands[0])[i];
}

TEST(LaunchList, EveryItemOnceForAnyThreads) {
  for (int threads = 1; threads <= 4; ++threads) {
    auto pool = ThreadPool::create(threads);
    ASSERT_TRUE(pool.ok());
    std::vector<int> items(37, 0);
    void *operands[] = {items.data()};
    std::vector<BoundLaunch> launches(50,
                                      {addOne, operands, ItemDimension::One, 37,
                                       1, LaunchBarrier::Always, false});
    runLaunches(pool->get(), launches, Batch{});
    EXPECT_EQ(items, std::vector<int>(37, 50));
  }
}

TEST(Topology, CountsCoresNotHardwareThreads) {
  namespace fs = std::filesystem;
  fs::path root = fs::path(::testing::TempDir()) / "sinter-topology";
  // Four processors on two cores, two more on a second package.
  const int cores[][2] = {{0, 0}, {0, 1}, {0, 0}, {0, 1}, {1, 0}, {1, 0}};
  for (int i = 0; i < 6; ++i) {
    fs::path folder = root / ("cpu" + std::to_string(i)) / "topology";
    fs::create_directories(folder);
    std::ofstream(folder / "physical_package_id") << cores[i][0];
    std::ofstream(folder / "core_id") << cores[i][1];
  }
  EXPECT_EQ(physicalCores({0, 1, 2, 3, 4, 5}, root), 3);
  EXPECT_EQ(physicalCores({0, 2}, root), 1);
  EXPECT_EQ(physicalCores({1}, root), 1);
  // A machine that does not tell: every processor counts.
  EXPECT_EQ(physicalCores({0, 1, 2}, root / "absent"), 3);
  fs::remove_all(root);
}

TEST(Topology, QuotasOfControlGroupsCount) {
  namespace fs = std::filesystem;
  fs::path root = fs::path(::testing::TempDir()) / "sinter-groups";
  fs::create_directories(root / "a" / "b");
  std::string groups = root / "groups";
  std::ofstream(groups) << "4:memory:/x\n0::/a/b\n";
  auto quota = [&](const char *folder, const char *text) {
    std::ofstream(root / folder / "cpu.max") << text << "\n";
    return quotaProcessors(groups, root);
  };
  EXPECT_EQ(quotaProcessors(groups, root), INT_MAX);
  EXPECT_EQ(quota("a/b", "max 100000"), INT_MAX);
  EXPECT_EQ(quota("a", "450000 100000"), 5);
  EXPECT_EQ(quota("a/b", "200000 100000"), 2);
  EXPECT_EQ(quota("", "1000 100000"), 1);
  // What is no quota limits nothing.
  EXPECT_EQ(quota("", "0 0"), 2);
  EXPECT_EQ(quota("a/b", "99999999999999 1"), 5);
  EXPECT_EQ(quotaProcessors(root / "absent", root / "absent"), INT_MAX);
  fs::remove_all(root);
}

TEST(Topology, ThisMachineHasCores) {
  EXPECT_FALSE(allowedProcessors().empty());
  EXPECT_GE(defaultThreads(), 1);
  EXPECT_LE(defaultThreads(), int(allowedProcessors().size()));
}

/// Counts, for each thread that comes by, the items it is given.
void countMine(void *const *operands, const Batch *, int64_t begin,
               int64_t end) {
  auto &items = *static_cast<std::atomic<int64_t> *>(operands[0]);
  items += end - begin;
}

TEST(LaunchList, ReplicatedLaunchesRunWholeOnEveryThreadForOneToken) {
  auto pool = ThreadPool::create(3);
  ASSERT_TRUE(pool.ok());
  for (int32_t tokens : {1, 2}) {
    std::atomic<int64_t> items = 0;
    void *operands[] = {&items};
    BoundLaunch launch = {countMine, operands, ItemDimension::One,
                          5,         1,        LaunchBarrier::None,
                          true};
    Batch batch = {};
    batch.tokens = tokens;
    runLaunches(pool->get(), std::span(&launch, 1), batch);
    EXPECT_EQ(items, tokens == 1 ? 15 : 5);
  }
}

/// Behind a batch barrier every item of the launch before has been counted; in
/// a step of one token there is none, which only a race could show.
TEST(LaunchList, BatchBarriersHoldStepsOfSeveralTokens) {
  auto pool = ThreadPool::create(4);
  ASSERT_TRUE(pool.ok());
  std::atomic<int64_t> items = 0;
  std::atomic<bool> early = false;
  void *operands[] = {&items, &early};
  auto look = [](void *const *operands, const Batch *, int64_t, int64_t) {
    if (*static_cast<std::atomic<int64_t> *>(operands[0]) % 64 != 0)
      *static_cast<std::atomic<bool> *>(operands[1]) = true;
  };
  std::vector<BoundLaunch> launches;
  for (int i = 0; i < 200; ++i) {
    launches.push_back({countMine, operands, ItemDimension::One, 64, 1,
                        LaunchBarrier::Batch, false});
    launches.push_back({look, operands, ItemDimension::One, 4, 1,
                        LaunchBarrier::Batch, false});
  }
  Batch batch = {};
  batch.tokens = 2;
  runLaunches(pool->get(), launches, batch);
  EXPECT_FALSE(early);
  EXPECT_EQ(items, 200 * 64);
}

/// Which thread worked on each item: its number is what it finds in `mine`.
thread_local int mine = -1;
void claim(void *const *operands, const Batch *, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i)
    static_cast<int *>(operands[0])[i] = mine;
}

TEST(LaunchList, SharesOfAllPartsGoToOneThread) {
  for (int threads : {1, 2, 4, 3}) {
    auto pool = ThreadPool::create(threads);
    ASSERT_TRUE(pool.ok());
    (*pool)->run([](void *, int thread) { mine = thread; }, nullptr);
    // Four query heads to a share, then one cache head; attention by shares.
    std::vector<int> heads(20, -1), attention(4, -1);
    void *headOperands[] = {heads.data()},
         *attentionOperands[] = {attention.data()};
    std::vector<BoundLaunch> launches = {{claim,
                                          headOperands,
                                          ItemDimension::Tokens,
                                          20,
                                          1,
                                          LaunchBarrier::None,
                                          false,
                                          4,
                                          {16, 4, 0, 0}},
                                         {claim,
                                          attentionOperands,
                                          ItemDimension::Tokens,
                                          4,
                                          1,
                                          LaunchBarrier::Unshared,
                                          false,
                                          4,
                                          {4, 0, 0, 0}}};
    Batch batch = {};
    batch.tokens = 1;
    runLaunches(pool->get(), launches, batch);
    EXPECT_EQ(std::count(heads.begin(), heads.end(), -1), 0);
    EXPECT_EQ(std::count(attention.begin(), attention.end(), -1), 0);
    if (4 % threads)
      continue; // divided like any other launch
    for (int share = 0; share < 4; ++share) {
      EXPECT_EQ(attention[share], share * threads / 4);
      EXPECT_EQ(heads[16 + share], attention[share]);
      for (int head = 0; head < 4; ++head)
        EXPECT_EQ(heads[share * 4 + head], attention[share]);
    }
  }
}

/// As with batch barriers; shares that the threads do not divide, or a second
/// token, leave the barrier as it is.
TEST(LaunchList, UnsharedBarriersHoldWhereThreadsDoNotDivideTheShares) {
  for (auto [threads, tokens] : {std::pair(3, 1), std::pair(4, 2)}) {
    auto pool = ThreadPool::create(threads);
    ASSERT_TRUE(pool.ok());
    std::atomic<int64_t> items = 0;
    std::atomic<bool> early = false;
    void *operands[] = {&items, &early};
    auto look = [](void *const *operands, const Batch *, int64_t, int64_t) {
      if (*static_cast<std::atomic<int64_t> *>(operands[0]) % 64 != 0)
        *static_cast<std::atomic<bool> *>(operands[1]) = true;
    };
    std::vector<BoundLaunch> launches;
    for (int i = 0; i < 200; ++i) {
      launches.push_back({countMine,
                          operands,
                          ItemDimension::One,
                          64,
                          1,
                          LaunchBarrier::Unshared,
                          false,
                          4,
                          {64, 0, 0, 0}});
      launches.push_back({look,
                          operands,
                          ItemDimension::One,
                          4,
                          1,
                          LaunchBarrier::Unshared,
                          false,
                          4,
                          {4, 0, 0, 0}});
    }
    Batch batch = {};
    batch.tokens = tokens;
    runLaunches(pool->get(), launches, batch);
    EXPECT_FALSE(early);
    EXPECT_EQ(items, 200 * 64);
  }
}

} // namespace
