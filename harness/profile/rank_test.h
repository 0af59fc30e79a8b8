#pragma once

#include <vector>

namespace attest::harness {

/// Mann and Whitney's test of whether one of two sets of measurements tends to be larger (Ann. Math. Stat. 18, 1947).
/// It asks only for ranks, so a slow outlier counts as one sample and nothing has to be normally distributed.
struct RankTest {
  double p = 1.0;             ///< two-sided, exact; ties are broken against a difference
  double larger_share = 0.5;  ///< of the pairs (a, b): those with a > b, a tie counting half
};

/// At least one sample each; at most a few hundred, for which the exact distribution is counted.
RankTest rank_test(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace attest::harness
