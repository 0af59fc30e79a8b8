#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "harness/machine/fingerprint.h"
#include "harness/report/summary.h"

namespace attest::harness {

inline constexpr int kReportSchemaVersion = 1;

/// How a run was asked for; it is repeated in the report.
struct ReportHeader {
  std::vector<std::string> command;  ///< argv
  std::string shard;                 ///< "1/1"
};

/// A run with all that its report says of it.
struct ReportedRun {
  Run run;
  Fingerprint fingerprint;
  ReportHeader header;
};

/// In the member `gap` of a result that has one: "not_offered", "declared".
std::string_view name_of(Gap gap);

/// Everything that was printed, and every single result, as docs/json_report.md describes it. The other reports are
/// made of this document.
nlohmann::ordered_json report_document(const Run& run, const Summary& summary, const Fingerprint& fingerprint,
                                       const ReportHeader& header);

}  // namespace attest::harness
