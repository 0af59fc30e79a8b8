#pragma once

#include <filesystem>

namespace attest::harness {

/// Where something lies that belongs to this program: in `installed`, relative to its own folder, so that an installed
/// program works wherever it was moved to and whatever became of its sources; else in `built`.
std::filesystem::path own_file(const std::filesystem::path& installed, const std::filesystem::path& built);

}  // namespace attest::harness
