#pragma once

#include <memory>
#include <string>
#include <vector>

#include "harness/isolation/library_implementation.h"
#include "harness/judge/implementation.h"
#include "harness/verdict/judgement.h"

/// Who takes part in a run.
namespace attest::harness {

struct LineupRequest {
  std::vector<std::string> implementations;  ///< "reference", "optimized", "./k.so#OPTION"; empty: the first two
  std::string target;                        ///< a target's name, or "all"; empty: ATTEST_TARGET if set, else all
  Isolation isolation;                       ///< of the libraries
};

struct Lineup {
  std::vector<std::unique_ptr<Implementation>> implementations;
  /// One result for each target that this machine cannot run: skipped with its reason, or failed if
  /// ATTEST_REQUIRE_TARGETS ("avx2;avx512") names it.
  std::vector<Result> absences;
};

/// Throws InputError for a name that is not known, or a target that was asked for and is not usable; also for
/// ATTEST_TARGET and ATTEST_REQUIRE_TARGETS themselves. Never falls back to something else. Throws Interrupted if
/// Ctrl-C comes while a library is loaded.
Lineup line_up(const LineupRequest& request);

/// "reference", "optimized/avx2", "./k.so#OPTION". Throws InputError for a name that is not known or not usable here.
std::unique_ptr<Implementation> implementation_from_label(const std::string& label, const Isolation& isolation = {});

}  // namespace attest::harness
