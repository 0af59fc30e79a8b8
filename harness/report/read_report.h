#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "harness/report/json_report.h"

/// JSON reports, read back. What they say came from a file: it is shown as `printable`.
namespace attest::harness {

/// Throws InputError unless the file holds a report of `attest verify`, `profile` or `selftest` in the version that is
/// written here.
nlohmann::ordered_json read_document(const std::filesystem::path& file);

/// What the document of `attest verify` in this file was made of, so that `report_document` makes it again. Throws
/// InputError where it lacks a member, or one is of another kind.
ReportedRun reported_run(const nlohmann::ordered_json& document, const std::filesystem::path& file);

}  // namespace attest::harness
