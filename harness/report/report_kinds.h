#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/report/report_file.h"

/// The reports that `attest verify` writes, each made of the JSON report's document (docs/json_report.md).
namespace attest::harness {

inline const std::vector<std::string> kReportKinds = {"json", "junit", "html"};

/// JUnit XML: a suite for each group of cases, a test case for each case.
std::string junit_report(const nlohmann::ordered_json& document);

/// One page that needs nothing else: no network, and no JavaScript to be read.
std::string html_report(const nlohmann::ordered_json& document);

/// Writes each of them. Throws InputError.
void write_reports(const std::vector<ReportRequest>& reports, const nlohmann::ordered_json& document);

}  // namespace attest::harness
