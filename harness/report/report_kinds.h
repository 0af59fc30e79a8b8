#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/report/report_file.h"

/// The reports of `attest verify`, `profile` and `selftest`, each made of the JSON report's document
/// (docs/json_report.md).
namespace attest::harness {

inline const std::vector<std::string> kReportKinds = {"json", "junit", "html"};

/// JUnit XML: a test case for each thing of which the report has a verdict (ci_outcomes.h).
std::string junit_report(const nlohmann::ordered_json& document);

/// Writes each of them. Throws InputError.
void write_reports(const std::vector<ReportRequest>& reports, const nlohmann::ordered_json& document);

}  // namespace attest::harness
