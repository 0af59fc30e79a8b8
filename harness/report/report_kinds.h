#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/report/report_file.h"

/// The reports of every command, each made of its JSON report's document (docs/json_report.md).
namespace attest::harness {

/// What `attest verify` writes, and what other commands do.
inline const std::vector<std::string> kVerifyReports = {"json", "junit", "html"};
inline const std::vector<std::string> kOtherReports = {"json", "html"};

/// JUnit XML of `attest verify`: a suite for each group of cases, a test case for each case.
std::string junit_report(const nlohmann::ordered_json& document);

/// Writes each of them. Throws InputError.
void write_reports(const std::vector<ReportRequest>& reports, const nlohmann::ordered_json& document);

}  // namespace attest::harness
