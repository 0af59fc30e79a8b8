#include "harness/command/sweep_blocking.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "harness/command/exit_codes.h"
#include "harness/machine/interrupt.h"
#include "harness/report/blocking_sweep_report.h"
#include "harness/report/profile_report.h"
#include "harness/report/progress.h"
#include "harness/report/report_kinds.h"

namespace attest::harness {
namespace {

/// After Ctrl-C, those that came to their end.
std::vector<BlockingSweep> sweep_all(const std::vector<ProfileRequest>& requests) {
  std::vector<BlockingSweep> sweeps;
  const std::size_t constants = blocking_constants().size();
  Progress progress(static_cast<double>(requests.size() * constants));
  try {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto after_constant = [&](std::size_t done) {
        progress.show(static_cast<double>(i * constants + done), fmt::format("{}/{} constants", done, constants));
      };
      sweeps.push_back(sweep_blocking(requests[i], after_constant));
      progress.wipe();
      fmt::print("\n{}", sweep_text(sweeps.back()));
      std::fflush(stdout);
    }
  } catch (const Interrupted&) {
  }
  return sweeps;
}

}  // namespace

int run_blocking_sweeps(const std::vector<ProfileRequest>& requests, const std::vector<ReportRequest>& reports,
                        const Fingerprint& fingerprint, const std::vector<std::string>& argv) {
  const auto sweeps = sweep_all(requests);
  auto document = profile_document({}, requests.size() - sweeps.size(), fingerprint, argv);
  document["blocking_sweeps"] = nlohmann::ordered_json::array();
  for (const auto& sweep : sweeps) document["blocking_sweeps"].push_back(sweep_json(sweep));
  write_reports(reports, document);
  if (sweeps.size() < requests.size()) return kExitInterrupted;
  return std::ranges::all_of(sweeps, keeps_its_bits) ? 0 : kExitFailed;
}

}  // namespace attest::harness
