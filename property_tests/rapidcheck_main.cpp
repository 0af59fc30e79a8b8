#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "property_tests/rapidcheck_guard.h"

/// GoogleTest's main for executables with rapidcheck properties: refuses to run with RC_PARAMS that prove nothing.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const char* rc_params = std::getenv("RC_PARAMS");
  const auto problem = attest::property_tests::problem_with_rc_params(rc_params == nullptr ? "" : rc_params);
  if (!problem.empty() && !testing::GTEST_FLAG(list_tests)) {
    std::cerr << problem << '\n';
    return 2;
  }
  return RUN_ALL_TESTS();
}
