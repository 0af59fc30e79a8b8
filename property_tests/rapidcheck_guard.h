#pragma once

#include <string>
#include <string_view>

namespace attest::property_tests {

/// Why these RC_PARAMS would make the properties prove nothing, or an empty string. rapidcheck itself passes with
/// max_success=0 without running a single test, and ignores keys that it does not know.
std::string problem_with_rc_params(std::string_view rc_params);

}  // namespace attest::property_tests
