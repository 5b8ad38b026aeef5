/// Tests that every way a plan can contradict itself has its message.
#include "runtime/Plan.h"

#include "test/unit/TinyArtifact.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace sinter;

namespace {

constexpr uint64_t kWeightBytes = sizeof(tiny::Weights);

/// The message for the tiny plan after a change.
template <typename Change> std::string refused(Change change) {
  Plan plan = tiny::plan();
  change(plan);
  auto bytes = serializePlan(plan);
  auto parsed = parsePlan(bytes, kWeightBytes);
  EXPECT_FALSE(parsed.ok());
  return parsed.status().message();
}

TEST(Plan, RoundTrips) {
  Plan plan = tiny::plan();
  auto bytes = serializePlan(plan);
  auto parsed = parsePlan(bytes, kWeightBytes);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(serializePlan(*parsed), bytes);
  EXPECT_EQ(parsed->launches.size(), 8u);
  EXPECT_EQ(parsed->string(parsed->launches[1].label), "blk.0 1");
}

TEST(Plan, InternsEachNameOnce) {
  Plan plan;
  uint32_t one = plan.intern("one"), two = plan.intern("two");
  EXPECT_NE(one, two);
  EXPECT_EQ(plan.intern("one"), one);
  EXPECT_EQ(plan.string(two), "two");
  EXPECT_EQ(plan.strings.size(), 8u);
}

TEST(Plan, TableErrors) {
  auto bytes = serializePlan(tiny::plan());
  auto messageFor = [&](size_t offset, uint32_t value) {
    auto changed = bytes;
    std::memcpy(changed.data() + offset, &value, sizeof(value));
    return parsePlan(changed, kWeightBytes).status().message();
  };
  std::string size = std::to_string(bytes.size());
  constexpr size_t kernels = offsetof(PlanHeader, kernels);
  EXPECT_EQ(parsePlan(std::span(bytes).first(87), 0).status().message(),
            "plan: section has 87 bytes, its header alone has 88");
  EXPECT_EQ(messageFor(offsetof(PlanHeader, wholeSequences), 2),
            "plan: whole sequences is 2, expected 0 or 1");
  EXPECT_EQ(messageFor(kernels, 73),
            "plan: table of kernels at offset 73, expected a multiple of 8");
  EXPECT_EQ(messageFor(kernels, 64),
            "plan: table of kernels has 4 entries at offset 64, outside the "
            "section's " +
                size + " bytes");
  EXPECT_EQ(messageFor(kernels + 4, UINT32_MAX)
                .find("plan: table of kernels "
                      "has 4294967295"),
            0u);
}

TEST(Plan, NumberErrors) {
  EXPECT_EQ(refused([](Plan &plan) { plan.resultWidth = 0; }),
            "plan: results of 0 numbers, expected 1 to 16777216");
  EXPECT_EQ(refused([](Plan &plan) { plan.result = ResultKind(3); }),
            "plan: results of unknown kind 3");
  EXPECT_EQ(refused([](Plan &plan) { plan.rows = ResultRows(2); }),
            "plan: result rows of unknown kind 2");
  EXPECT_EQ(refused([](Plan &plan) { plan.resultWidth = 7; }),
            "plan: 7 logits for a vocabulary of 10");
  EXPECT_EQ(refused([](Plan &plan) { plan.vocabulary = 0; }),
            "plan: vocabulary of 0 tokens, expected 1 to 16777216");
  EXPECT_EQ(refused([](Plan &plan) { plan.contextLength = UINT32_MAX; }),
            "plan: context of 4294967295 tokens, expected 1 to 1073741824");
  EXPECT_EQ(refused([](Plan &plan) { plan.pageTokens = 24; }),
            "plan: pages of 24 tokens, expected a multiple of 16 up to 65536");
  EXPECT_EQ(refused([](Plan &plan) { plan.strings.back() = 'x'; }),
            "plan: string table does not end with a zero byte");
  EXPECT_EQ(refused([](Plan &plan) {
              plan.kernels[1].name = 9999;
            }).find("plan: name of kernel 1 at 9999, outside the "),
            0u);
}

TEST(Plan, RegimeErrors) {
  EXPECT_EQ(refused([](Plan &plan) { plan.regimes.clear(); }),
            "plan: 0 regimes, expected 1 to 64");
  EXPECT_EQ(refused([](Plan &plan) { plan.regimes[1].maxTokens = 1; }),
            "plan: regime 1 takes 1 tokens, expected 2 to 65536");
  EXPECT_EQ(refused([](Plan &plan) { plan.regimes[1].firstLaunch = 3; }),
            "plan: regime 1 begins at launch 3, expected 4");
  EXPECT_EQ(refused([](Plan &plan) { plan.regimes[0].reserved = 3; }),
            "plan: regime 0: reserved field is 3, expected 0");
  EXPECT_EQ(refused([](Plan &plan) {
              plan.regimes[0].arenaBytes = uint64_t(1) << 41;
            }),
            "plan: regime 0 has an arena of 2199023255552 bytes, expected up "
            "to 1099511627776");
  EXPECT_EQ(refused([](Plan &plan) { plan.regimes[1].launchCount = 5; }),
            "plan: regimes hold 9 launches, the table 8");
}

TEST(Plan, StateAndRopeErrors) {
  EXPECT_EQ(refused([](Plan &plan) { plan.states[0].kind = StateKind(4); }),
            "plan: state 0 has unknown kind 4");
  EXPECT_EQ(
      refused([](Plan &plan) { plan.states[0].element = StateElement(5); }),
      "plan: state 0 has unknown element type 5");
  EXPECT_EQ(
      refused([](Plan &plan) { plan.states[0].element = StateElement::Q8_0; }),
      "plan: state 0 has widths 1 and 1, expected multiples of 32");
  EXPECT_EQ(
      refused([](Plan &plan) { plan.states[0].element = StateElement::E4m3; }),
      "plan: state 0 has widths 1 and 1, expected multiples of 4");
  auto bytes = [](StateElement element, uint32_t values, uint64_t pageBytes) {
    return refused([=](Plan &plan) {
      PlanState &state = plan.states[0];
      state.element = element;
      state.keyWidth = 32;
      state.valueWidth = values;
      state.pageBytes = pageBytes;
    });
  };
  EXPECT_EQ(bytes(StateElement::Q8_0, 64, 96 * 16),
            "plan: state 0 has pages of 1536 bytes, expected 1632");
  EXPECT_EQ(bytes(StateElement::E4m3, 4, 1),
            "plan: state 0 has pages of 1 bytes, expected 576");
  EXPECT_EQ(bytes(StateElement::E4m3, 0, 512),
            "plan: state 0 has values of 0 in pages of 16 tokens, expected "
            "some in pages of a multiple of 16");
  EXPECT_EQ(refused([](Plan &plan) {
              plan.states[0].name = 9999;
            }).find("plan: name of state 0 at 9999, outside the "),
            0u);
  EXPECT_EQ(refused([](Plan &plan) { plan.states[0].pageBytes = 4; }),
            "plan: state 0 has pages of 4 bytes, expected 128");
  EXPECT_EQ(refused([](Plan &plan) {
              plan.states[0].kvHeads = plan.states[0].keyWidth = UINT32_MAX;
            }),
            "plan: state 0 has pages of 4294967295 heads, widths 4294967295 "
            "and 1: expected 1 to 4294967296 bytes");
  EXPECT_EQ(refused([](Plan &plan) {
              plan.states[0].kind = StateKind::Recurrent;
              plan.states[0].pageBytes = 8;
            }),
            "plan: state 0 has a slot of 8 bytes, expected 4");
  EXPECT_EQ(refused([](Plan &plan) {
              plan.states[0].kind = StateKind::Recurrent;
              plan.states[0].window = 2;
              plan.states[0].pageBytes = 4;
            }),
            "plan: state 0 is recurrent with element type 1 and a window of 2, "
            "expected float32 and 0");
  EXPECT_EQ(refused([](Plan &plan) { plan.ropeTables[0].pairs = 0; }),
            "plan: rope table 0 has 0 pairs, expected 1 to 65536");
  EXPECT_EQ(
      refused([](Plan &plan) { plan.ropeTables[0].temperatureLength = 0; }),
      "plan: rope table 0 has temperature length 0, expected at least 1");
  EXPECT_EQ(refused([](Plan &plan) { plan.ropeTables[0].reserved = 1; }),
            "plan: rope table 0: reserved field is 1, expected 0");
  EXPECT_EQ(refused([](Plan &plan) {
              plan.ropeTables[0].longFrom = 8;
              plan.ropeTables[0].frequencies = 48;
            }),
            "plan: rope table 0 reads 8 bytes at offset 48 of 52 bytes of "
            "weights");
  EXPECT_EQ(refused([](Plan &plan) { plan.ropeTables[0].frequencies = 52; }),
            "plan: rope table 0 reads 4 bytes at offset 52 of 52 bytes of "
            "weights");
  EXPECT_EQ(refused([](Plan &plan) { plan.ropeTables[0].frequencies = 2; }),
            "plan: rope table 0 reads 4 bytes at offset 2 of 52 bytes of "
            "weights");
}

TEST(Plan, LaunchErrors) {
  auto withLaunch = [](auto field, auto value) {
    return refused([&](Plan &plan) { plan.launches[1].*field = value; });
  };
  EXPECT_EQ(withLaunch(&PlanLaunch::kernel, 4),
            "plan: launch 1 calls kernel 4 of 4");
  EXPECT_EQ(withLaunch(&PlanLaunch::firstOperand, 3),
            "plan: launch 1 begins at operand 3, expected 2");
  EXPECT_EQ(withLaunch(&PlanLaunch::operandCount, 65),
            "plan: launch 1 has 65 operands, expected up to 64");
  EXPECT_EQ(withLaunch(&PlanLaunch::operandCount, 60),
            "plan: launch 1 has 60 operands, the table only 18 more");
  EXPECT_EQ(withLaunch(&PlanLaunch::dimension, ItemDimension(3)),
            "plan: launch 1 has unknown item dimension 3");
  EXPECT_EQ(withLaunch(&PlanLaunch::tile, 0),
            "plan: launch 1 has a tile of 0, expected at least 1");
  EXPECT_EQ(withLaunch(&PlanLaunch::barrier, LaunchBarrier(4)),
            "plan: launch 1 has barrier 4, expected 0 to 3");
  EXPECT_EQ(withLaunch(&PlanLaunch::barrier, LaunchBarrier::Unshared),
            "plan: launch 1 has barrier 3, but no shares");
  auto withShares = [](uint32_t shares, uint32_t first, uint32_t second) {
    return refused([&](Plan &plan) {
      plan.launches[1].shares = shares;
      plan.launches[1].parts[0] = first;
      plan.launches[1].parts[1] = second;
    });
  };
  EXPECT_EQ(withShares(2, 4, 3),
            "plan: launch 1 has a part of 3 items in 2 shares");
  EXPECT_EQ(withShares(0, 4, 0),
            "plan: launch 1 has a part of 4 items in 0 shares");
  EXPECT_EQ(withShares(2, 4, 0),
            "plan: launch 1 has 4 items in its shares; expected 1 that tokens "
            "count and no thread repeats");
  EXPECT_EQ(withLaunch(&PlanLaunch::weightShare, 0.0f),
            "plan: launch 1 reads 0 of its weights for a row, expected above "
            "0, at most 1");
  EXPECT_EQ(withLaunch(&PlanLaunch::weightShare, 1.5f),
            "plan: launch 1 reads 1.5 of its weights for a row, expected above "
            "0, at most 1");
  EXPECT_EQ(withLaunch(&PlanLaunch::replicated, 2),
            "plan: launch 1 has replicated 2, expected 0 or 1");
  EXPECT_EQ(withLaunch(&PlanLaunch::workRows, 2),
            "plan: launch 1 has work rows 2, expected 0 or 1");
  EXPECT_EQ(withLaunch(&PlanLaunch::weightBytes, 53),
            "plan: launch 1 reads 53 bytes of weights, there are 52");
  EXPECT_EQ(withLaunch(&PlanLaunch::label, 9999)
                .find("plan: name of launch 1 at 9999, outside the "),
            0u);
  EXPECT_EQ(refused([](Plan &plan) { plan.operands.push_back({}); }),
            "plan: launches use 20 operands, the table has 21");
}

TEST(Plan, OperandErrors) {
  auto withOperand = [](PlanOperand operand) {
    return refused([&](Plan &plan) { plan.operands[1] = operand; });
  };
  EXPECT_EQ(withOperand({OperandKind::Arena, 0, 128}),
            "plan: launch 0 uses offset 128 of 128 bytes of arena");
  EXPECT_EQ(withOperand({OperandKind::Arena, 1, 0}),
            "plan: launch 0: index 1 of the arena, expected 0");
  EXPECT_EQ(withOperand({OperandKind::Weight, 0, 52}),
            "plan: launch 0 uses offset 52 of 52 bytes of weights");
  EXPECT_EQ(withOperand({OperandKind::State, 1, 0}),
            "plan: launch 0 uses state 1 of 1");
  EXPECT_EQ(withOperand({OperandKind::State, 0, 8}),
            "plan: launch 0: offset 8 into a state, expected 0");
  EXPECT_EQ(withOperand({OperandKind::RopeTable, 2, 0}),
            "plan: launch 0 uses rope table 2 of 1");
  EXPECT_EQ(withOperand({OperandKind::Logits, 1, 0}),
            "plan: launch 0 uses logits 1 of 1");
  EXPECT_EQ(withOperand({OperandKind(9), 0, 0}),
            "plan: launch 0 has an operand of unknown kind 9");
}

} // namespace
