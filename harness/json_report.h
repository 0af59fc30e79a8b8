#pragma once

#include <string>
#include <vector>

#include "harness/fingerprint.h"
#include "harness/summary.h"

namespace attest::harness {

inline constexpr int kReportSchemaVersion = 1;

/// How a run was asked for; it is repeated in the report.
struct ReportHeader {
  std::vector<std::string> command;  ///< argv
  std::string shard;                 ///< "1/1"
};

/// Everything that was printed, and every single result, as docs/json_report.md describes it.
std::string json_report(const Run& run, const Summary& summary, const Fingerprint& fingerprint,
                        const ReportHeader& header);

}  // namespace attest::harness
