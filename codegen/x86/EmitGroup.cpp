/// Emits the counting sort that lists a step's assignments expert by expert.
#include "codegen/x86/Skeletons.h"
#include "dialects/tile/Experts.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

static void store32(KernelBuilder &k, Value index, Value place,
                    int64_t bytes = 0) {
  k.store(k.ops().create<arith::TruncIOp>(k.i32(), index), place, bytes);
}

/// How many assignments each expert has.
static void countGroups(KernelBuilder &k, unsigned experts, Value ids,
                        Value assignments, Value counts) {
  k.loop(k.index(0), k.index(experts), 1, [&](Value expert) {
    store32(k, k.index(0), k.at(counts, k.mul(expert, 4)));
  });
  k.loop(k.index(0), assignments, 1, [&](Value index) {
    Value expert = k.loadIndex32(k.at(ids, k.mul(index, 4)));
    Value place = k.at(counts, k.mul(expert, 4));
    store32(k, k.add(k.loadIndex32(place), 1), place);
  });
}

llvm::Error x86::emitGroup(KernelBuilder &k, KernelOp kernel) {
  auto group = cast<GroupAttr>(kernel.getSkeleton());
  unsigned experts = group.getExperts();
  Value ids = k.operand(0), groups = k.operand(1), order = k.operand(2);
  Value counts = k.scratch(experts * 4);
  k.loop(k.begin(), k.end(), 1, [&](Value) {
    Value assignments = k.mul(k.tokenCount(), group.getTop());
    countGroups(k, experts, ids, assignments, counts);
    // Counts become the places where each expert's assignments begin.
    Values sums =
        k.loop(k.index(0), k.index(experts), 1, Values{k.index(0), k.index(0)},
               [&](Value expert, ValueRange carried) {
                 Value active = carried[0], begin = carried[1];
                 Value place = k.at(counts, k.mul(expert, 4));
                 Value count = k.loadIndex32(place);
                 store32(k, begin, place);
                 Value isActive = k.less(k.index(0), count);
                 // In a step of one token every thread writes this, and a
                 // faster one may read it already: nothing but what stays may
                 // be written.
                 k.when(isActive, [&] {
                   Value entry = k.at(groups, k.mul(active, 4));
                   store32(k, expert, entry, 4);
                   store32(k, begin, entry, 4 * (1 + int64_t(experts)));
                 });
                 Value step = k.ops().create<arith::ExtUIOp>(k.i64(), isActive);
                 return Values{k.add(active, step), k.add(begin, count)};
               });
    store32(k, sums[0], groups);
    store32(k, sums[1], k.at(groups, k.mul(sums[0], 4)),
            4 * (1 + int64_t(experts)));
    k.loop(k.index(0), assignments, 1, [&](Value index) {
      Value expert = k.loadIndex32(k.at(ids, k.mul(index, 4)));
      Value next = k.at(counts, k.mul(expert, 4));
      Value place = k.loadIndex32(next);
      store32(k, index, k.at(order, k.mul(place, 4)));
      store32(k, k.add(place, 1), next);
    });
  });
  return llvm::Error::success();
}
