#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace attest::property_tests {

/// The whole file; empty if it cannot be read.
inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace attest::property_tests
