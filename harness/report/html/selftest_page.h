#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

/// The parts of the page of `attest selftest`, each made of the JSON report's document.
namespace attest::harness {

std::string kill_matrix(const nlohmann::ordered_json& document);
std::string variant_table(const nlohmann::ordered_json& document);  ///< empty if none was tried
std::string bug_details(const nlohmann::ordered_json& document);

}  // namespace attest::harness
