#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace attest::harness {

/// Throws InputError unless the file holds a report of `attest verify`, `profile` or `selftest` in the version that is
/// written here.
nlohmann::ordered_json read_document(const std::filesystem::path& file);

}  // namespace attest::harness
