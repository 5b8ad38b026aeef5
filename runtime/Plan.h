/// The plan section as tables in memory, checked, so that the rest of the
/// runtime may index without looking.
#ifndef SINTER_RUNTIME_PLAN_H
#define SINTER_RUNTIME_PLAN_H

#include "runtime/ArtifactFormat.h"
#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Limits that a sound plan never comes near; they keep later sums and
/// allocations in range.
inline constexpr uint32_t kMaxVocabulary = 1u << 24;
inline constexpr uint32_t kMaxContext = 1u << 30;
inline constexpr uint32_t kMaxRegimes = 64;
inline constexpr uint32_t kMaxStepTokens = 1u << 16;
inline constexpr uint32_t kMaxOperands = 64;
inline constexpr uint64_t kMaxArenaBytes = uint64_t(1) << 40;
inline constexpr uint64_t kMaxPageBytes = uint64_t(1) << 32;

/// All of a plan. Names are offsets into `strings`.
struct Plan {
  uint32_t vocabulary = 0;
  uint32_t contextLength = 0;
  uint32_t pageTokens = 0;
  uint32_t resultWidth = 0;
  ResultKind result = ResultKind::Logits;
  ResultRows rows = ResultRows::Tokens;
  bool wholeSequences = false;
  uint32_t positions = 0;
  std::vector<PlanRegime> regimes;
  std::vector<PlanKernel> kernels;
  std::vector<PlanLaunch> launches;
  std::vector<PlanOperand> operands;
  std::vector<PlanState> states;
  std::vector<PlanRopeTable> ropeTables;
  std::string strings; ///< each ends with '\0'

  /// Appends a name unless it is there and returns its offset.
  uint32_t intern(std::string_view name);
  std::string_view string(uint32_t offset) const;
  /// Of the regime that needs most: a session's regimes share one arena.
  uint64_t arenaBytes() const;
};

/// Reads and checks a plan section whose weights section has `weightBytes`.
/// Errors: CorruptData, naming table, index and field.
Result<Plan> parsePlan(std::span<const std::byte> section,
                       uint64_t weightBytes);

/// What parsePlan checks once the tables are read.
Status checkPlan(const Plan &plan, uint64_t weightBytes);

/// The bytes of a plan section; the same plan gives the same bytes.
std::vector<std::byte> serializePlan(const Plan &plan);

} // namespace sinter

#endif // SINTER_RUNTIME_PLAN_H
