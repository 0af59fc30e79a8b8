#include "harness/profile/rank_test.h"

#include <algorithm>
#include <cstddef>

namespace attest::harness {
namespace {

/// probability[u]: that of u pairs (a, b) with a > b where m samples a and n samples b come from one distribution. The
/// largest of all samples is an a, and then exceeds every b, with probability m / (m + n).
std::vector<double> distribution_of_pairs(std::size_t m, std::size_t n) {
  // row[j] holds the distribution for i samples a and j samples b.
  std::vector<std::vector<double>> row(n + 1, {1.0});
  for (std::size_t i = 1; i <= m; ++i) {
    std::vector<std::vector<double>> next(n + 1, {1.0});
    for (std::size_t j = 1; j <= n; ++j) {
      const double share_a = static_cast<double>(i) / static_cast<double>(i + j);
      next[j].assign(i * j + 1, 0.0);
      for (std::size_t u = 0; u < row[j].size(); ++u) next[j][u + j] += share_a * row[j][u];
      for (std::size_t u = 0; u < next[j - 1].size(); ++u) next[j][u] += (1 - share_a) * next[j - 1][u];
    }
    row = std::move(next);
  }
  return row[n];
}

}  // namespace

RankTest rank_test(const std::vector<double>& a, const std::vector<double>& b) {
  std::size_t larger = 0, equal = 0;
  for (const double x : a) {
    for (const double y : b) {
      larger += x > y ? 1 : 0;
      equal += x == y ? 1 : 0;
    }
  }
  const std::size_t pairs = a.size() * b.size(), smaller = pairs - larger - equal;
  const std::size_t extreme = std::min(pairs / 2, std::min(larger, smaller) + equal);
  const auto probability = distribution_of_pairs(a.size(), b.size());
  double tail = 0.0;
  for (std::size_t u = 0; u <= extreme; ++u) tail += probability[u];
  const double share = (static_cast<double>(larger) + 0.5 * static_cast<double>(equal)) / static_cast<double>(pairs);
  return {std::min(1.0, 2 * tail), share};
}

}  // namespace attest::harness
