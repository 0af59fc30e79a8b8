#pragma once

#include <filesystem>

namespace attest::harness {

/// How long verify takes for a case, in units of the smallest cases: it grows with the layer's weights, which are
/// generated, widened to double and multiplied, while the tokens are few. 1 for a file that cannot be read: the run
/// itself will say why.
double expected_work(const std::filesystem::path& case_file);

}  // namespace attest::harness
