#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace attest::harness {

/// A report of `attest verify`, `profile` or `selftest` as Markdown, for the page of a CI job: the verdict, one table,
/// and what is wrong.
std::string job_summary(const nlohmann::ordered_json& document);

}  // namespace attest::harness
