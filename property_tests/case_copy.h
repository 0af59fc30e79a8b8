#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

/// Copies of recorded cases in a directory of their own, to be damaged.
namespace attest::property_tests {

/// Copies `name` ("heads/grouped_query") from the recorded cases to `directory`/<name>.h5 and returns that file.
std::filesystem::path copy_case(const std::string& name, const std::filesystem::path& directory);

/// Writes a manifest of all case files below `directory`.
void write_manifest(const std::filesystem::path& directory);

/// Flips one bit, as a bad disk would.
void flip_bit(const std::filesystem::path& file, std::uintmax_t offset);

}  // namespace attest::property_tests
