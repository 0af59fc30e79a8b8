#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

/// The parts of the HTML report, each made of the JSON report's document.
namespace attest::harness {

extern const char* const kStyleSheet;  ///< harness/report/html/report.css
extern const char* const kScript;      ///< harness/report/html/report.js

std::string html_summary(
    const nlohmann::ordered_json& document);  ///< the verdict, counts, a row for each implementation
std::string html_failures(const nlohmann::ordered_json& document);  ///< empty if there are none
std::string html_plots(const nlohmann::ordered_json& document);     ///< inline SVG, and their numbers in tables
std::string html_cases(const nlohmann::ordered_json& document);     ///< the table of cases

/// An `e` as people read it: "0.44", "8e-03".
std::string html_number(double value);

}  // namespace attest::harness
