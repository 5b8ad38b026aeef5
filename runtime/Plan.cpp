/// Reads and writes the plan's tables; PlanCheck.cpp judges what they say.
#include "runtime/Plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sinter {

/// Every table starts at a multiple of the widest field.
static constexpr size_t kTableAlignment = 8;

uint32_t Plan::intern(std::string_view name) {
  for (size_t at = 0; at < strings.size();) {
    std::string_view found(strings.c_str() + at);
    if (found == name)
      return static_cast<uint32_t>(at);
    at += found.size() + 1;
  }
  auto offset = static_cast<uint32_t>(strings.size());
  strings.append(name);
  strings.push_back('\0');
  return offset;
}

std::string_view Plan::string(uint32_t offset) const {
  assert(offset < strings.size() && "string offset outside the table");
  return strings.c_str() + offset;
}

uint64_t Plan::arenaBytes() const {
  uint64_t most = 0;
  for (const PlanRegime &regime : regimes)
    most = std::max(most, regime.arenaBytes);
  return most;
}

/// Copies one table out of the section, whose bounds are checked first.
template <typename Container>
static Status readTable(std::span<const std::byte> section, PlanTable table,
                        const char *name, Container &into) {
  constexpr size_t width = sizeof(typename Container::value_type);
  if (table.offset % kTableAlignment != 0)
    return Status(Code::CorruptData,
                  fmt::format("plan: table of {} at offset {}, expected a "
                              "multiple of {}",
                              name, table.offset, kTableAlignment));
  uint64_t bytes = uint64_t(table.count) * width;
  if (table.offset < sizeof(PlanHeader) || table.offset > section.size() ||
      bytes > section.size() - table.offset)
    return Status(Code::CorruptData,
                  fmt::format("plan: table of {} has {} entries at offset {}, "
                              "outside the section's {} bytes",
                              name, table.count, table.offset, section.size()));
  into.resize(table.count);
  if (bytes)
    std::memcpy(into.data(), section.data() + table.offset, bytes);
  return {};
}

Result<Plan> parsePlan(std::span<const std::byte> section,
                       uint64_t weightBytes) {
  PlanHeader header;
  if (section.size() < sizeof(header))
    return Status(Code::CorruptData,
                  fmt::format("plan: section has {} bytes, its header alone "
                              "has {}",
                              section.size(), sizeof(header)));
  std::memcpy(&header, section.data(), sizeof(header));
  if (header.wholeSequences > 1)
    return Status(Code::CorruptData,
                  fmt::format("plan: whole sequences is {}, expected 0 or 1",
                              header.wholeSequences));
  Plan plan;
  plan.vocabulary = header.vocabulary;
  plan.contextLength = header.contextLength;
  plan.pageTokens = header.pageTokens;
  plan.resultWidth = header.resultWidth;
  plan.result = header.result;
  plan.rows = header.rows;
  plan.wholeSequences = header.wholeSequences != 0;
  plan.positions = header.positions;
  SINTER_TRY(readTable(section, header.regimes, "regimes", plan.regimes));
  SINTER_TRY(readTable(section, header.kernels, "kernels", plan.kernels));
  SINTER_TRY(readTable(section, header.launches, "launches", plan.launches));
  SINTER_TRY(readTable(section, header.operands, "operands", plan.operands));
  SINTER_TRY(readTable(section, header.states, "states", plan.states));
  SINTER_TRY(
      readTable(section, header.ropeTables, "rope tables", plan.ropeTables));
  SINTER_TRY(readTable(section, header.strings, "strings", plan.strings));
  SINTER_TRY(checkPlan(plan, weightBytes));
  return plan;
}

template <typename Container>
static PlanTable writeTable(std::vector<std::byte> &bytes,
                            const Container &table) {
  bytes.resize((bytes.size() + kTableAlignment - 1) / kTableAlignment *
               kTableAlignment);
  PlanTable written = {static_cast<uint32_t>(bytes.size()),
                       static_cast<uint32_t>(table.size())};
  const auto *from = reinterpret_cast<const std::byte *>(table.data());
  bytes.insert(bytes.end(), from,
               from + table.size() * sizeof(typename Container::value_type));
  return written;
}

std::vector<std::byte> serializePlan(const Plan &plan) {
  PlanHeader header = {};
  header.vocabulary = plan.vocabulary;
  header.contextLength = plan.contextLength;
  header.pageTokens = plan.pageTokens;
  header.resultWidth = plan.resultWidth;
  header.result = plan.result;
  header.rows = plan.rows;
  header.wholeSequences = plan.wholeSequences;
  header.positions = plan.positions;
  std::vector<std::byte> bytes(sizeof(header));
  header.regimes = writeTable(bytes, plan.regimes);
  header.kernels = writeTable(bytes, plan.kernels);
  header.launches = writeTable(bytes, plan.launches);
  header.operands = writeTable(bytes, plan.operands);
  header.states = writeTable(bytes, plan.states);
  header.ropeTables = writeTable(bytes, plan.ropeTables);
  header.strings = writeTable(bytes, plan.strings);
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

} // namespace sinter
