#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/machine/fingerprint.h"
#include "harness/profile/baseline_comparison.h"
#include "harness/profile/profile.h"

/// `attest profile --baseline FILE`: the same work in an earlier JSON report, compared by a rank test.
namespace attest::harness {

class Baseline {
 public:
  /// Throws InputError: not a complete profile of a version that is known; or, for seconds, one of another machine.
  Baseline(const std::filesystem::path& report, const Fingerprint& here, BaselineScale scale);

  /// Nothing if the report does not hold this layer, work, batch, target and number of threads.
  std::optional<BaselineComparison> compare(const ProfileResult& now) const;

 private:
  struct Item {
    std::string layer, work, target;
    std::int64_t batch = 0, threads = 0;
    std::vector<double> samples;
  };

  BaselineScale scale_;
  std::vector<Item> items_;
};

}  // namespace attest::harness
