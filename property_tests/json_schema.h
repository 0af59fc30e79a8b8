#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

/// The reports against their published schemas (docs/schema/).
namespace attest::property_tests {

/// Which member breaks the schema that the report names and how, a line each; empty where it is valid.
std::string breaches(const nlohmann::json& report);

/// A report's content, after expecting it to be valid.
nlohmann::json valid_report(const std::filesystem::path& file);

}  // namespace attest::property_tests
