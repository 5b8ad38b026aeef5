/// Tests that errors keep their kind and gain context on the way up.
#include "runtime/Status.h"

#include <gtest/gtest.h>

#include <memory>

using namespace sinter;

static Status failing() { return Status(Code::NotFound, "no 'x'"); }

static Status passOn(bool fail, bool &reached) {
  if (fail)
    SINTER_TRY(failing());
  reached = true;
  return {};
}

TEST(Status, IsOkByDefault) {
  Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), Code::Ok);
  EXPECT_EQ(status.message(), "");
  EXPECT_TRUE(status.in("file").ok());
}

TEST(Status, ContextGoesInFront) {
  Status status = failing().in("'a.bin'");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), Code::NotFound);
  EXPECT_EQ(status.message(), "'a.bin': no 'x'");
}

TEST(Status, TryReturnsTheFirstFailure) {
  bool reached = false;
  EXPECT_EQ(passOn(true, reached).message(), "no 'x'");
  EXPECT_FALSE(reached);
  EXPECT_TRUE(passOn(false, reached).ok());
  EXPECT_TRUE(reached);
}

TEST(Result, HoldsAValueOrAFailure) {
  Result<int> seven = 7;
  ASSERT_TRUE(seven.ok());
  EXPECT_TRUE(static_cast<bool>(seven));
  EXPECT_EQ(*seven, 7);
  EXPECT_TRUE(seven.status().ok());
  Result<int> failed = failing();
  EXPECT_FALSE(failed.ok());
  EXPECT_EQ(failed.status().code(), Code::NotFound);
}

TEST(Result, HoldsWhatOnlyMoves) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(3);
  ASSERT_TRUE(made.ok());
  std::unique_ptr<int> taken = std::move(*made);
  EXPECT_EQ(*taken, 3);
}
