#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "property_tests/rapidcheck_guard.h"

namespace {

/// A run is the same every time unless a seed is asked for: a failure that comes and goes proves little.
/// scripts/test --soak draws fresh ones.
void fix_the_seed(const std::string& rc_params) {
  if (rc_params.find("seed=") != rc_params.npos || rc_params.find("reproduce=") != rc_params.npos) return;
  setenv("RC_PARAMS", ("seed=2718281828 " + rc_params).c_str(), 1);
}

}  // namespace

/// GoogleTest's main for executables with rapidcheck properties: refuses to run with RC_PARAMS that prove nothing.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const char* given = std::getenv("RC_PARAMS");
  const std::string rc_params = given == nullptr ? "" : given;
  const auto problem = attest::property_tests::problem_with_rc_params(rc_params);
  if (!problem.empty() && !testing::GTEST_FLAG(list_tests)) {
    std::cerr << problem << '\n';
    return 2;
  }
  fix_the_seed(rc_params);
  return RUN_ALL_TESTS();
}
