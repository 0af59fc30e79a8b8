#pragma once

#include <filesystem>
#include <vector>

#include "harness/report/json_report.h"

namespace attest::harness {

struct ShardReport {
  std::filesystem::path file;
  ReportedRun reported;
};

/// All shards of one selection as the run that judged it whole: its cases in their order, the seconds of all. Throws
/// InputError where one is missing, given twice, or of another run: of other cases, people, or another attest.
ReportedRun joined_shards(std::vector<ShardReport> shards);

}  // namespace attest::harness
