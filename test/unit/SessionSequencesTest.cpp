/// Tests that sequences with recurrent states can be forked, saved, restored
/// and begun anew in any order, and that what cannot be done is refused.
#include "runtime/Session.h"

#include "test/unit/TinyArtifact.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace sinter;

namespace {

constexpr uint32_t kSequences = 4;

class SequencesTest : public ::testing::Test {
protected:
  void SetUp() override {
    if (tiny::kernels().empty())
      GTEST_SKIP() << "no C compiler (cc) to make kernels with";
    tiny::Parts parts;
    parts.kernels = tiny::kernels();
    parts.plan = tiny::plan(/*recurrent=*/true);
    auto opened = Artifact::open(tiny::write(parts, "sequences.bin"));
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    artifact = std::make_unique<Artifact>(std::move(*opened));
    session = make();
  }

  std::unique_ptr<Session> make() {
    SessionOptions options;
    options.maxSequences = kSequences;
    auto made = Session::create(*artifact, options);
    EXPECT_TRUE(made.ok()) << made.status().message();
    return std::move(*made);
  }

  /// Appends and gives the first logit of the last token.
  float append(int32_t slot, std::vector<int32_t> tokens) {
    auto logits = session->append(slot, tokens);
    EXPECT_TRUE(logits.ok()) << logits.status().message();
    return logits.ok() ? (*logits)[0] : NAN;
  }

  std::unique_ptr<Artifact> artifact;
  std::unique_ptr<Session> session;
};

/// What the model answers after `tokens`.
float expected(const std::vector<int32_t> &tokens) {
  float sum =
      float(std::cos(double(tokens.size() - 1) * double(tiny::kFrequency)));
  float state = 0;
  for (int32_t id : tokens) {
    sum += tiny::embedding(id);
    state = state / 2 + tiny::embedding(id);
  }
  return sum + state;
}

TEST_F(SequencesTest, ASlotBeginsAnewFromZeros) {
  EXPECT_NEAR(append(0, {3, 1, 4}), expected({3, 1, 4}), 1e-3);
  ASSERT_TRUE(session->truncate(0, 0).ok());
  EXPECT_NEAR(append(0, {1, 5}), expected({1, 5}), 1e-3);
}

TEST_F(SequencesTest, OnlyASnapshotGoesBack) {
  append(0, {3, 1, 4, 1});
  Status refused = session->truncate(0, 2);
  EXPECT_EQ(refused.code(), Code::Unsupported);
  EXPECT_EQ(refused.message(),
            "sequence 0 of 4 tokens cannot go back to 2: its recurrent states "
            "only go on; restore a snapshot or begin anew");
  EXPECT_EQ(session->length(0), 4u);
  EXPECT_TRUE(session->truncate(0, 4).ok());
  auto saved = session->snapshot(0, SnapshotScope::Recurrent);
  ASSERT_TRUE(saved.ok());
  EXPECT_EQ(saved->size(), sizeof(SnapshotHeader) + 4);
  append(0, {5, 9, 2});
  ASSERT_TRUE(session->restore(0, *saved).ok());
  EXPECT_EQ(session->length(0), 4u);
  EXPECT_NEAR(append(0, {6}), expected({3, 1, 4, 1, 6}), 1e-3);
}

TEST_F(SequencesTest, ASnapshotMovesToAnotherSession) {
  append(2, {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2});
  auto saved = session->snapshot(2);
  ASSERT_TRUE(saved.ok());
  auto other = make();
  std::swap(session, other);
  append(1, {8, 8});
  ASSERT_TRUE(session->restore(1, *saved).ok());
  EXPECT_NEAR(append(1, {3}),
              expected({3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3}),
              1e-3);
}

TEST_F(SequencesTest, DamagedSnapshotsChangeNothing) {
  append(0, {3, 1});
  auto saved = *session->snapshot(0);
  auto says = [&](std::vector<std::byte> bytes) {
    Status status = session->restore(0, bytes);
    EXPECT_EQ(session->length(0), 2u);
    return status.message();
  };
  auto changed = [&](size_t offset, uint64_t value, size_t size) {
    auto bytes = saved;
    std::memcpy(bytes.data() + offset, &value, size);
    return bytes;
  };
  EXPECT_EQ(says({}), "snapshot has 0 bytes, its header alone has 40");
  EXPECT_EQ(says(changed(0, 0, 8)), "snapshot does not begin as one does");
  EXPECT_NE(says(changed(offsetof(SnapshotHeader, model), 7, 8))
                .find("snapshot of model 0000000000000007, this one is "),
            std::string::npos);
  EXPECT_EQ(says(changed(offsetof(SnapshotHeader, scope), 2, 4)),
            "snapshot has scope 2, expected 0 or 1");
  EXPECT_EQ(says(changed(offsetof(SnapshotHeader, length), 200, 4)),
            "sequence of 200 tokens exceeds the context of 100");
  EXPECT_EQ(says(changed(offsetof(SnapshotHeader, length), 17, 4)),
            "132 bytes of cache are not those of 17 tokens");
  EXPECT_EQ(says(changed(offsetof(SnapshotHeader, length), 0, 4)),
            "132 bytes of cache, 128 more than those of 0 tokens");
  auto otherSplit = changed(offsetof(SnapshotHeader, cacheBytes), 131, 8);
  const uint64_t five = 5;
  std::memcpy(otherSplit.data() + offsetof(SnapshotHeader, recurrentBytes),
              &five, sizeof(five));
  EXPECT_EQ(says(otherSplit),
            "snapshot has 5 bytes of recurrent states, expected 4");
  EXPECT_EQ(says(changed(offsetof(SnapshotHeader, cacheBytes), 131, 8)),
            "snapshot has 136 bytes of states, its header says 131 and 4");
  auto shorter = saved;
  shorter.pop_back();
  EXPECT_EQ(says(shorter),
            "snapshot has 135 bytes of states, its header says 132 and 4");
  auto recurrent = *session->snapshot(0, SnapshotScope::Recurrent);
  Status missing = session->restore(1, recurrent);
  EXPECT_EQ(missing.message(), "snapshot of recurrent states after 2 tokens, "
                               "sequence 1 has only 0");
}

TEST_F(SequencesTest, SnapshotsDamagedAtRandomAreRefusedOrRestoredWhole) {
  append(0, {3, 1});
  auto saved = *session->snapshot(0);
  std::mt19937 random(17);
  unsigned refused = 0;
  for (int round = 0; round < 3000; ++round) {
    auto bytes = saved, before = *session->snapshot(0);
    for (unsigned flips = random() % 3; flips < 3; ++flips)
      bytes[random() % bytes.size()] ^= std::byte(1 + random() % 255);
    if (random() % 4 == 0)
      bytes.resize(random() % bytes.size());
    if (session->restore(0, bytes).ok()) {
      ASSERT_EQ(*session->snapshot(0), bytes);
      ASSERT_EQ(session->length(0), 2u);
      continue;
    }
    ++refused;
    ASSERT_EQ(*session->snapshot(0), before);
  }
  EXPECT_GT(refused, 1000u);
  EXPECT_LT(refused, 3000u);
}

TEST_F(SequencesTest, AnEmptySequenceSnapsNothingOfAnEarlierOne) {
  auto fresh = *session->snapshot(0);
  append(0, {3, 1, 4});
  ASSERT_TRUE(session->truncate(0, 0).ok());
  EXPECT_EQ(*session->snapshot(0), fresh);
}

TEST_F(SequencesTest, TrafficIsCountedBySequenceAndStep) {
  append(0, {3});
  append(0, {1, 4, 1});
  EXPECT_EQ(session->stateTraffic().inPlace, 16u);
  EXPECT_EQ(session->stateTraffic().copied, 0u);
  std::vector<int32_t> tokens = {1, 2}, positions = {4, 0}, slots = {0, 1};
  ASSERT_TRUE(session->step({tokens, positions, slots, {}}).ok());
  EXPECT_EQ(session->stateTraffic().inPlace, 32u);
}

/// Whatever is done to sequences, each answers for its own tokens.
TEST_F(SequencesTest, AnyOrderOfOperationsKeepsSequencesApart) {
  std::mt19937 random(7);
  auto below = [&](uint32_t n) { return int32_t(random() % n); };
  std::vector<std::vector<int32_t>> held(kSequences);
  std::vector<std::pair<std::vector<int32_t>, std::vector<std::byte>>> saved;
  for (int step = 0; step < 600; ++step) {
    int32_t slot = below(kSequences), other = below(kSequences);
    switch (below(6)) {
    case 0:
      ASSERT_TRUE(session->truncate(slot, 0).ok());
      held[slot].clear();
      break;
    case 1:
      if (slot == other || held[slot].empty())
        break;
      ASSERT_TRUE(session->truncate(other, 0).ok());
      ASSERT_TRUE(session->fork(slot, other).ok());
      held[other] = held[slot];
      break;
    case 2:
      saved.push_back({held[slot], *session->snapshot(slot)});
      break;
    case 3:
      if (saved.empty())
        break;
      {
        const auto &[tokens, bytes] = saved[below(uint32_t(saved.size()))];
        ASSERT_TRUE(session->restore(slot, bytes).ok());
        held[slot] = tokens;
      }
      break;
    default:
      if (held[slot].size() > 80)
        break;
      std::vector<int32_t> tokens(1 + below(12));
      for (int32_t &token : tokens)
        token = below(tiny::kVocabulary);
      held[slot].insert(held[slot].end(), tokens.begin(), tokens.end());
      EXPECT_NEAR(append(slot, tokens), expected(held[slot]), 1e-2);
    }
    ASSERT_EQ(session->length(slot), held[slot].size());
  }
}

} // namespace
