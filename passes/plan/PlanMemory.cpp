/// Lets buffers share one arena and drops the barriers that nothing needs.
///
///   plan.regime max_tokens 8 arena 12288 {   plan.regime ... arena 8192 {
///     plan.launch @a ... offset = 0     ==>    plan.launch @a ... offset = 0
///     plan.launch @b ... offset = 8192         plan.launch @b ... offset = 0
///
/// Why: an arena that fits the cache makes every launch faster, and a barrier
/// costs all threads a wait. A launch waits only if it touches what a launch
/// since the last barrier wrote, or writes what one of those touched; states
/// and logits count like buffers. In the regime that serves steps of one token,
/// a launch need not wait for what every thread has computed for itself: a
/// replicated launch's results, and of two launches with the same shares
/// (passes/plan/HeadShares.h) the areas that both divide alike.
/// Test: test/passes/plan-memory.mlir

#include "dialects/plan/Plan.h"
#include "passes/plan/ArenaLayout.h"
#include "passes/plan/HeadShares.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_PLANMEMORY
#include "passes/Passes.h.inc"

namespace {

/// Memory that a launch touches: bytes of the arena, or all of a state (its
/// symbol) or of the logits (a string).
struct Access {
  Attribute whole;
  uint64_t begin = 0, end = 0;
  bool writes = false;
  bool replicated = false; ///< by a launch that every thread runs whole
  uint32_t shares = 0;     ///< in how many its area falls; 0: no area
  uint64_t areaBegin = 0, areaEnd = 0; ///< what one token touches

  bool conflicts(const Access &other) const {
    if (whole != other.whole || !(writes || other.writes))
      return false;
    return whole || (begin < other.end && other.begin < end);
  }

  /// The same in a step of one token, for a later launch: a thread may read
  /// what it has written itself.
  bool conflictsAlone(const Access &other) const {
    return conflicts(other) && !(other.replicated && other.writes && !writes);
  }

  /// The same where the threads divide the shares: a thread's share of an area
  /// is the same in both launches.
  bool conflictsShared(const Access &other) const {
    if (!conflictsAlone(other) || !shares || shares != other.shares)
      return conflictsAlone(other);
    bool apart = areaEnd <= other.areaBegin || other.areaEnd <= areaBegin;
    bool same = areaBegin == other.areaBegin && areaEnd == other.areaEnd;
    return !whole && !apart && !same;
  }
};

/// Launches behind a replicated one that do not yet reuse its buffers: a slower
/// thread may still be there.
constexpr uint32_t kBehind = 2;

/// The buffers of one regime, by their place before planning.
class Arena {
public:
  Arena(plan::RegimeOp regime, ArrayRef<int64_t> sizes) : regime(regime) {
    uint64_t offset = 0;
    for (int64_t size : sizes) {
      begins.push_back(offset);
      buffers.push_back({static_cast<uint64_t>(size), UINT32_MAX, 0});
      offset += size;
    }
  }

  /// Finds lifetimes and gives every arena operand its final offset.
  LogicalResult place();
  /// Accesses of a launch, after place().
  SmallVector<Access> accesses(plan::LaunchOp launch) const;

private:
  void findLastUses();
  FailureOr<size_t> bufferAt(plan::LaunchOp launch, uint64_t offset) const;

  plan::RegimeOp regime;
  SmallVector<uint64_t> begins;
  std::vector<Lifetime> buffers;
  ArenaLayout layout;
  /// Of each launch, the buffer of each operand that is in the arena.
  llvm::DenseMap<Operation *, SmallVector<size_t>> used;
};

} // namespace

static bool inArena(Attribute operand) {
  return cast<plan::OperandAttr>(operand).getKind() == "arena";
}

FailureOr<size_t> Arena::bufferAt(plan::LaunchOp launch,
                                  uint64_t offset) const {
  auto after = llvm::upper_bound(begins, offset);
  size_t index = after - begins.begin() - 1;
  if (after == begins.begin() || offset >= begins[index] + buffers[index].bytes)
    return launch.emitOpError("has an operand at ")
           << offset << ", outside every buffer of the regime";
  return index;
}

/// Where no barrier follows, a slower thread may still be in a launch when
/// others are in later ones: up to the end of a run of launches with shares.
void Arena::findLastUses() {
  auto launches = llvm::to_vector(regime.getBody().getOps<plan::LaunchOp>());
  uint32_t time = launches.size(), runEnd = time;
  bool inRun = false;
  for (plan::LaunchOp launch : llvm::reverse(launches)) {
    --time;
    bool behindIsRun = inRun;
    inRun = launch.getSharesAttr() != nullptr;
    if (inRun && !behindIsRun)
      runEnd = time;
    uint32_t last = time;
    if (launch.getReplicated())
      last = std::max(time + kBehind, behindIsRun ? runEnd : 0);
    else if (inRun)
      last = runEnd;
    for (size_t index : used.lookup(launch))
      buffers[index].last = std::max(buffers[index].last, last);
  }
}

LogicalResult Arena::place() {
  uint32_t time = 0;
  auto launches = regime.getBody().getOps<plan::LaunchOp>();
  for (plan::LaunchOp launch : launches) {
    SmallVector<size_t> &indices = used[launch];
    for (Attribute entry : launch.getOperands()) {
      if (!inArena(entry))
        continue;
      auto index = bufferAt(launch, cast<plan::OperandAttr>(entry).getOffset());
      if (failed(index))
        return failure();
      indices.push_back(*index);
      buffers[*index].first = std::min(buffers[*index].first, time);
    }
    ++time;
  }
  findLastUses();
  layout = layOut(buffers);
  for (plan::LaunchOp launch : launches) {
    SmallVector<Attribute> operands(launch.getOperands().getValue());
    size_t next = 0;
    for (Attribute &entry : operands) {
      if (!inArena(entry))
        continue;
      size_t index = used[launch][next++];
      uint64_t inside =
          cast<plan::OperandAttr>(entry).getOffset() - begins[index];
      entry = plan::OperandAttr::get(launch.getContext(), "arena",
                                     FlatSymbolRefAttr(),
                                     layout.offsets[index] + inside);
    }
    launch.setOperandsAttr(ArrayAttr::get(launch.getContext(), operands));
  }
  regime.setArenaBytes(layout.bytes);
  return success();
}

/// An access for each area of the operand that falls into shares.
static SmallVector<Access> inAreas(plan::LaunchOp launch, size_t position,
                                   Access access) {
  auto areas = launch->getAttrOfType<ArrayAttr>(kAreasAttr);
  if (!launch.getSharesAttr() || !areas || position >= areas.size())
    return {access};
  SmallVector<Access> result;
  auto bounds = cast<DenseI64ArrayAttr>(areas[position]).asArrayRef();
  uint64_t base =
      cast<plan::OperandAttr>(launch.getOperands()[position]).getOffset();
  for (size_t i = 0; i + 1 < bounds.size(); i += 2) {
    access.shares = launch.getSharesAttr().getCount();
    access.areaBegin = base + bounds[i];
    access.areaEnd = base + bounds[i + 1];
    result.push_back(access);
  }
  if (result.empty())
    result.push_back(access);
  return result;
}

SmallVector<Access> Arena::accesses(plan::LaunchOp launch) const {
  SmallVector<Access> accesses;
  auto writes = launch->getAttrOfType<DenseI32ArrayAttr>("plan.writes");
  size_t next = 0;
  for (auto [position, entry] : llvm::enumerate(launch.getOperands())) {
    auto operand = cast<plan::OperandAttr>(entry);
    Access access;
    access.replicated = launch.getReplicated();
    access.writes =
        llvm::is_contained(writes.asArrayRef(), static_cast<int>(position));
    if (operand.getKind() == "arena") {
      size_t index = used.lookup(launch)[next++];
      access.begin = layout.offsets[index];
      access.end = access.begin + buffers[index].bytes;
    } else if (operand.getKind() == "state") {
      access.whole = operand.getSymbol();
    } else if (operand.getKind() == "logits") {
      access.whole = StringAttr::get(launch.getContext(), "logits");
    } else {
      continue; // constants are only read
    }
    SmallVector<Access> areas = inAreas(launch, position, access);
    accesses.append(areas);
  }
  return accesses;
}

/// Every thread runs it, at its own time: it must leave what it reads, and no
/// state may be written twice.
static LogicalResult checkReplicated(plan::LaunchOp launch,
                                     ArrayRef<Access> accesses) {
  for (const Access &write : accesses)
    for (const Access &other : accesses)
      if (write.writes && (isa_and_nonnull<FlatSymbolRefAttr>(write.whole) ||
                           (!other.writes && write.conflicts(other))))
        return launch.emitOpError("is replicated, but writes a state or what "
                                  "it reads");
  return success();
}

namespace {

/// What launches have touched since the last barrier, by kind of step: of
/// several tokens; of one, where the threads divide all shares; of one, where
/// they do not.
class Waits {
public:
  void visit(plan::LaunchOp launch, ArrayRef<Access> now) {
    bool batch = any(now, sinceBatch, &Access::conflicts);
    bool shared = any(now, sinceShared, &Access::conflictsShared);
    bool alone = any(now, sinceAlone, &Access::conflictsAlone);
    bool hasShares = launch.getSharesAttr() != nullptr;
    bool always = shared || (alone && !hasShares);
    bool unshared = alone && !always;
    launch.setBarrier(always);
    launch.setUnsharedBarrier(unshared);
    launch.setBatchBarrier(batch && !always && !unshared);
    if (batch || alone || always)
      sinceBatch.clear();
    if (always)
      sinceShared.clear();
    if (always)
      sinceAlone.clear();
    else if (unshared) // does not hold where threads divide these shares only
      llvm::erase_if(sinceAlone, [&](const Access &access) {
        return !access.shares ||
               access.shares == launch.getSharesAttr().getCount();
      });
    sinceBatch.append(now.begin(), now.end());
    sinceShared.append(now.begin(), now.end());
    sinceAlone.append(now.begin(), now.end());
  }

private:
  static bool any(ArrayRef<Access> now, ArrayRef<Access> since,
                  bool (Access::*conflicts)(const Access &) const) {
    return llvm::any_of(now, [&](const Access &access) {
      return llvm::any_of(since, [&](const Access &other) {
        return (access.*conflicts)(other);
      });
    });
  }

  SmallVector<Access> sinceBatch, sinceShared, sinceAlone;
};

} // namespace

static void dropBarriers(plan::RegimeOp regime, const Arena &arena) {
  Waits waits;
  for (auto launch : regime.getBody().getOps<plan::LaunchOp>())
    waits.visit(launch, arena.accesses(launch));
}

/// Only the smallest regime has steps of one token.
static void keepOneTokenFormsInSmallest(ModuleOp module) {
  uint64_t least = UINT64_MAX;
  for (auto regime : module.getOps<plan::RegimeOp>())
    least = std::min(least, regime.getMaxTokens());
  for (auto regime : module.getOps<plan::RegimeOp>())
    if (regime.getMaxTokens() != least)
      for (auto launch : regime.getBody().getOps<plan::LaunchOp>()) {
        launch.setReplicated(false);
        launch.removeSharesAttr();
      }
}

namespace {

struct PlanMemory : impl::PlanMemoryBase<PlanMemory> {
  void runOnOperation() override {
    keepOneTokenFormsInSmallest(getOperation());
    for (auto regime : getOperation().getOps<plan::RegimeOp>()) {
      auto sizes = regime->getAttrOfType<DenseI64ArrayAttr>("plan.buffers");
      if (!sizes)
        continue; // already planned
      for (auto launch : regime.getBody().getOps<plan::LaunchOp>())
        if (!launch->hasAttr("plan.writes")) {
          launch.emitOpError("does not say what it writes");
          return signalPassFailure();
        }
      Arena arena(regime, sizes);
      if (failed(arena.place()))
        return signalPassFailure();
      for (auto launch : regime.getBody().getOps<plan::LaunchOp>())
        if (launch.getReplicated() &&
            failed(checkReplicated(launch, arena.accesses(launch))))
          return signalPassFailure();
      dropBarriers(regime, arena);
      regime->removeAttr("plan.buffers");
      for (auto launch : regime.getBody().getOps<plan::LaunchOp>()) {
        launch->removeAttr("plan.writes");
        launch->removeAttr(kAreasAttr);
      }
    }
  }
};

} // namespace
} // namespace sinter
