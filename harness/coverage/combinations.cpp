#include "harness/coverage/combinations.h"

#include <initializer_list>
#include <numeric>
#include <utility>

namespace attest::harness {
namespace {

constexpr auto kMask = static_cast<std::size_t>(Dimension::mask);
constexpr auto kKeys = static_cast<std::size_t>(Dimension::keys);
constexpr auto kRegime = static_cast<std::size_t>(Dimension::regime);
constexpr auto kDType = static_cast<std::size_t>(Dimension::dtype);
constexpr std::int8_t kFloat32 = 0;

using Kind = Combination::Kind;

std::int8_t count_of(std::size_t dimension) { return static_cast<std::int8_t>(dimensions()[dimension].values.size()); }

CoverageRow row_with(std::initializer_list<std::pair<std::size_t, std::int8_t>> values) {
  CoverageRow row;
  row.fill(kUnset);
  for (const auto& [dimension, value] : values) row[dimension] = value;
  return row;
}

void for_each_pair(const std::function<void(const Combination& combination)>& visit) {
  for (std::size_t a = 0; a < kDimensions; ++a) {
    for (std::size_t b = a + 1; b < kDimensions; ++b) {
      for (std::int8_t value_a = 0; value_a < count_of(a); ++value_a) {
        for (std::int8_t value_b = 0; value_b < count_of(b); ++value_b) {
          visit({Kind::pair, {row_with({{a, value_a}, {b, value_b}})}});
        }
      }
    }
  }
}

std::vector<CoverageRow> ways_of(std::int8_t mask, int in_class, std::int8_t regime) {
  std::vector<CoverageRow> ways;
  for (std::int8_t keys = 0; keys < count_of(kKeys); ++keys) {
    if (size_class(keys) != in_class) continue;
    ways.push_back(row_with({{kMask, mask}, {kKeys, keys}, {kRegime, regime}, {kDType, kFloat32}}));
  }
  return ways;
}

}  // namespace

void for_each_combination(const std::function<void(const Combination& combination)>& visit) {
  for (std::int8_t mask = 0; mask < count_of(kMask); ++mask) {
    for (int in_class = 0; in_class < kSizeClasses; ++in_class) {
      for (std::int8_t regime = 0; regime < count_of(kRegime); ++regime) {
        visit({Kind::regime_triple, ways_of(mask, in_class, regime)});
      }
    }
    for (std::int8_t keys = 0; keys < count_of(kKeys); ++keys) {
      for (std::int8_t dtype = 0; dtype < count_of(kDType); ++dtype) {
        visit({Kind::dtype_triple, {row_with({{kMask, mask}, {kKeys, keys}, {kDType, dtype}})}});
      }
    }
  }
  for_each_pair(visit);
}

void Combinations::add(const CoverageRow& row) {
  for (std::size_t a = 0; a < kDimensions; ++a) {
    for (std::size_t b = a + 1; b < kDimensions; ++b) {
      pairs_.insert({static_cast<int>(a), row[a], static_cast<int>(b), row[b]});
    }
  }
  dtype_triples_.insert({row[kMask], row[kKeys], row[kDType]});
  const int in_class = size_class(row[kKeys]);
  if (in_class >= 0 && row[kDType] == kFloat32) regime_triples_.insert({row[kMask], in_class, row[kRegime]});
}

bool Combinations::has(const Combination& combination) const {
  const CoverageRow& way = combination.ways.front();
  switch (combination.kind) {
    case Kind::regime_triple:
      return regime_triples_.contains({way[kMask], size_class(way[kKeys]), way[kRegime]});
    case Kind::dtype_triple:
      return dtype_triples_.contains({way[kMask], way[kKeys], way[kDType]});
    case Kind::pair:
      break;
  }
  std::size_t a = 0;
  while (way[a] == kUnset) ++a;
  std::size_t b = a + 1;
  while (way[b] == kUnset) ++b;
  return has_pair(a, way[a], b, way[b]);
}

bool Combinations::has_pair(std::size_t a, std::int8_t value_a, std::size_t b, std::int8_t value_b) const {
  return a < b ? pairs_.contains({static_cast<int>(a), value_a, static_cast<int>(b), value_b})
               : pairs_.contains({static_cast<int>(b), value_b, static_cast<int>(a), value_a});
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

}  // namespace attest::harness
