#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What a mutation may write into a case file: the contract's own words and paths, and some that it must refuse.
namespace attest::property_tests {

const std::vector<std::string>& words();
const std::vector<std::string>& known_paths();
const std::vector<std::int64_t>& integers();
const std::vector<double>& numbers();

}  // namespace attest::property_tests
