#include "harness/coverage/combinations.h"

#include <numeric>

namespace attest::harness {
namespace {

constexpr auto kMask = static_cast<std::size_t>(Dimension::mask);
constexpr auto kKeys = static_cast<std::size_t>(Dimension::keys);
constexpr auto kRegime = static_cast<std::size_t>(Dimension::regime);

std::int8_t count_of(std::size_t dimension) { return static_cast<std::int8_t>(dimensions()[dimension].values.size()); }

CoverageRow nothing_set() {
  CoverageRow row;
  row.fill(kUnset);
  return row;
}

}  // namespace

void Combinations::add(const CoverageRow& row) {
  for (std::size_t a = 0; a < kDimensions; ++a) {
    for (std::size_t b = a + 1; b < kDimensions; ++b) {
      pairs_.insert({static_cast<int>(a), row[a], static_cast<int>(b), row[b]});
    }
  }
  if (const int in_class = size_class(row[kKeys]); in_class >= 0) triples_.insert({row[kMask], in_class, row[kRegime]});
}

bool Combinations::has_pair(std::size_t a, std::int8_t value_a, std::size_t b, std::int8_t value_b) const {
  return a < b ? pairs_.contains({static_cast<int>(a), value_a, static_cast<int>(b), value_b})
               : pairs_.contains({static_cast<int>(b), value_b, static_cast<int>(a), value_a});
}

bool Combinations::has_triple(std::int8_t mask, int in_class, std::int8_t regime) const {
  return triples_.contains({mask, in_class, regime});
}

void for_each_pair(const std::function<void(const CoverageRow& pair)>& visit) {
  for (std::size_t a = 0; a < kDimensions; ++a) {
    for (std::size_t b = a + 1; b < kDimensions; ++b) {
      for (std::int8_t value_a = 0; value_a < count_of(a); ++value_a) {
        for (std::int8_t value_b = 0; value_b < count_of(b); ++value_b) {
          CoverageRow pair = nothing_set();
          pair[a] = value_a;
          pair[b] = value_b;
          visit(pair);
        }
      }
    }
  }
}

void for_each_triple(const std::function<void(std::int8_t mask, int size_class, std::int8_t regime)>& visit) {
  for (std::int8_t mask = 0; mask < count_of(kMask); ++mask) {
    for (int in_class = 0; in_class < kSizeClasses; ++in_class) {
      for (std::int8_t regime = 0; regime < count_of(kRegime); ++regime) visit(mask, in_class, regime);
    }
  }
}

std::optional<CoverageRow> completed(const CoverageRow& row, std::int64_t most_work, const ValueOrder& order) {
  if (work_of(row) > most_work || !exclusion(row).empty()) return std::nullopt;
  for (std::size_t dimension = 0; dimension < kDimensions; ++dimension) {
    if (row[dimension] != kUnset) continue;
    for (const std::int8_t value : order(row, dimension)) {
      CoverageRow next = row;
      next[dimension] = value;
      if (const auto whole = completed(next, most_work, order)) return whole;
    }
    return std::nullopt;
  }
  return row;
}

std::vector<std::int8_t> values_as_listed(const CoverageRow&, std::size_t dimension) {
  std::vector<std::int8_t> values(dimensions()[dimension].values.size());
  std::iota(values.begin(), values.end(), std::int8_t{0});
  return values;
}

std::vector<std::int8_t> keys_of_class(int in_class) {
  std::vector<std::int8_t> keys;
  for (std::int8_t value = 0; value < count_of(kKeys); ++value) {
    if (size_class(value) == in_class) keys.push_back(value);
  }
  return keys;
}

}  // namespace attest::harness
