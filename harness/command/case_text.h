#pragma once

#include <string>
#include <vector>

#include "fixtures/case.h"

/// A case in words, for `attest fixtures`.
namespace attest::harness {

/// Every tensor of a case by its path in the case file ("/steps/000/expected/output"), in its order; borrowed.
std::vector<NamedTensor> tensors_of(const Case& item);

/// "MHA", "GQA 8/2", ... : one line of configuration.
std::string shape_text(const Config& config);

/// Configuration, steps, tensors and provenance, one fact a line.
std::string full_text(const Case& item);

}  // namespace attest::harness
