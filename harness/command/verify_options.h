#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/lineup/lineup.h"
#include "harness/report/terminal_report.h"
#include "harness/search/draw_run.h"

/// What `attest verify` was asked for.
namespace attest::harness {

struct VerifyOptions {
  std::vector<std::string> cases;
  LineupRequest lineup;
  std::string fixtures;
  std::string shard = "1/1";
  std::string require;
  std::vector<std::string> reports;
  std::string coverage = "auto";
  std::string large = "default";
  int threads = 0;
  int time_limit = 60;
  std::uint64_t draws = 0;
  double minutes = 0;
  std::optional<std::uint64_t> seed;
  bool quiet = false;
  bool verbose = false;

  /// The covering array belongs to the whole: to a run of all cases, of which the first shard has it.
  bool wants_coverage() const { return coverage == "on" || (coverage == "auto" && is_whole() && !asks_for_draws()); }
  bool is_whole() const { return cases.empty() && shard.starts_with("1/"); }
  bool asks_for_draws() const { return draws > 0 || minutes > 0; }
  /// Draws alone: who asks for them without naming a case has no use for the recorded ones every time.
  bool wants_cases() const { return !asks_for_draws() || !cases.empty(); }
  std::optional<DrawRequest> wanted_draws(const Lineup& lineup) const;
  LineupRequest lineup_request() const {
    LineupRequest request = lineup;
    request.isolation.time_limit = std::chrono::seconds(time_limit);
    return request;
  }
  Detail detail() const { return quiet ? Detail::quiet : verbose ? Detail::verbose : Detail::table; }
};

void add_options(CLI::App& command, VerifyOptions& options);

}  // namespace attest::harness
