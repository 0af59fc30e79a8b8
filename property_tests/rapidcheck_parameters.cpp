#include "property_tests/rapidcheck_guard.h"

#include <gtest/gtest.h>

namespace attest::property_tests {
namespace {

TEST(rapidcheck_guard, accepts_what_rapidcheck_documents) {
  EXPECT_EQ(problem_with_rc_params(""), "");
  EXPECT_EQ(problem_with_rc_params("max_success=100"), "");
  EXPECT_EQ(problem_with_rc_params("  seed=17764509917471446467 max_size='50' noshrink=1 "), "");
  EXPECT_EQ(
      problem_with_rc_params("verbose_progress=1 verbose_shrinking=1 max_discard_ratio=10 reproduce=BcTaVR2LhJGQ"), "");
}

TEST(rapidcheck_guard, refuses_to_run_nothing) {
  for (const auto* value : {"0", "00", "-1", "", "'0'", "\"0\"", "many", "1e3", "99999999999"}) {
    EXPECT_NE(problem_with_rc_params(std::string("max_success=") + value), "") << value;
  }
}

TEST(rapidcheck_guard, refuses_unknown_and_repeated_keys_by_name) {
  EXPECT_NE(problem_with_rc_params("max_sucess=1000").find("max_sucess"), std::string::npos);
  EXPECT_NE(problem_with_rc_params("seed=1 MAX_SUCCESS=10").find("MAX_SUCCESS"), std::string::npos);
  EXPECT_NE(problem_with_rc_params("max_success"), "");
  EXPECT_NE(problem_with_rc_params("max_success=10 max_success=20"), "");
}

}  // namespace
}  // namespace attest::property_tests
