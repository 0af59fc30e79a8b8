#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "harness/report/json_report.h"

namespace attest::harness {

/// What the document of `attest verify` in this file was made of, so that `report_document` makes it again. Throws
/// InputError where it lacks a member, or one is of another kind.
ReportedRun reported_run(const nlohmann::ordered_json& document, const std::filesystem::path& file);

}  // namespace attest::harness
