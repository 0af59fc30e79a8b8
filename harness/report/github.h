#pragma once

#include <nlohmann/json_fwd.hpp>

namespace attest::harness {

/// In a GitHub workflow ($GITHUB_ACTIONS, $GITHUB_STEP_SUMMARY): an annotation for each outcome that is trouble, and
/// the summary of the run as Markdown on the job's page. Elsewhere nothing.
void tell_github(const nlohmann::ordered_json& document);

}  // namespace attest::harness
