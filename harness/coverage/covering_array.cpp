#include "harness/coverage/covering_array.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "harness/coverage/combinations.h"

namespace attest::harness {
namespace {

/// A row stays below the first of these that allows for it at all.
constexpr std::int64_t kWorks[] = {1 << 14, 1 << 16, 1 << 18, std::numeric_limits<std::int64_t>::max()};

CoverageRow triple_row(std::int8_t mask, std::int8_t keys, std::int8_t regime) {
  CoverageRow row;
  row.fill(kUnset);
  row[static_cast<std::size_t>(Dimension::mask)] = mask;
  row[static_cast<std::size_t>(Dimension::keys)] = keys;
  row[static_cast<std::size_t>(Dimension::regime)] = regime;
  return row;
}

class Builder {
 public:
  std::vector<CoverageRow> build() {
    for_each_triple([&](std::int8_t mask, int in_class, std::int8_t regime) {
      if (!covered_.has_triple(mask, in_class, regime)) add_triple(mask, in_class, regime);
    });
    for_each_pair([&](const CoverageRow& pair) {
      if (!has(pair)) add(pair);
    });
    return std::move(rows_);
  }

 private:
  /// The sizes of a class take turns.
  void add_triple(std::int8_t mask, int in_class, std::int8_t regime) {
    std::vector<std::int8_t> keys = keys_of_class(in_class);
    std::ranges::rotate(keys, keys.begin() + static_cast<std::ptrdiff_t>(rows_.size() % keys.size()));
    std::ignore = std::ranges::any_of(keys, [&](std::int8_t value) { return add(triple_row(mask, value, regime)); });
  }

  bool has(const CoverageRow& pair) const {
    std::size_t a = 0;
    while (pair[a] == kUnset) ++a;
    std::size_t b = a + 1;
    while (pair[b] == kUnset) ++b;
    return covered_.has_pair(a, pair[a], b, pair[b]);
  }

  /// Those values first that complete most pairs with what the row has; of equal ones another first in every row.
  std::vector<std::int8_t> most_useful_first(const CoverageRow& so_far, std::size_t dimension) const {
    std::vector<std::int8_t> values = values_as_listed(so_far, dimension);
    std::vector<int> gains(values.size());
    for (const std::int8_t value : values) {
      for (std::size_t other = 0; other < kDimensions; ++other) {
        if (so_far[other] == kUnset) continue;
        gains[static_cast<std::size_t>(value)] += !covered_.has_pair(other, so_far[other], dimension, value);
      }
    }
    std::ranges::rotate(values, values.begin() + static_cast<std::ptrdiff_t>(rows_.size() % values.size()));
    std::ranges::stable_sort(values, std::greater{},
                             [&](std::int8_t value) { return gains[static_cast<std::size_t>(value)]; });
    return values;
  }

  bool add(const CoverageRow& begun) {
    const auto order = [&](const CoverageRow& row, std::size_t dimension) { return most_useful_first(row, dimension); };
    for (const std::int64_t work : kWorks) {
      const auto row = completed(begun, work, order);
      if (!row) continue;
      rows_.push_back(*row);
      covered_.add(*row);
      return true;
    }
    return false;
  }

  std::vector<CoverageRow> rows_;
  Combinations covered_;
};

constexpr std::int64_t kAnyWork = std::numeric_limits<std::int64_t>::max();

/// Why no row may have these values: none if one may.
std::optional<std::string> impossibility(const CoverageRow& row) {
  if (const auto reason = exclusion(row); !reason.empty()) return std::string(reason);
  if (completed(row, kAnyWork, values_as_listed)) return std::nullopt;
  return "several of the reasons together";
}

std::string name_of(const CoverageRow& row) {
  std::string name;
  for (std::size_t d = 0; d < kDimensions; ++d) {
    if (row[d] == kUnset) continue;
    name +=
        fmt::format("{}{}={}", name.empty() ? "" : " ", dimensions()[d].name, word_at(row, static_cast<Dimension>(d)));
  }
  return name;
}

void count_pairs(Coverage& coverage, const Combinations& covered) {
  for_each_pair([&](const CoverageRow& pair) {
    std::vector<std::size_t> set;
    for (std::size_t d = 0; d < kDimensions; ++d) {
      if (pair[d] != kUnset) set.push_back(d);
    }
    if (covered.has_pair(set[0], pair[set[0]], set[1], pair[set[1]])) {
      ++coverage.pairs, ++coverage.possible_pairs;
    } else if (const auto reason = impossibility(pair)) {
      coverage.excluded.push_back({name_of(pair), *reason});
    } else {
      ++coverage.possible_pairs;
      coverage.holes.push_back({name_of(pair), ""});
    }
  });
}

void count_triples(Coverage& coverage, const Combinations& covered) {
  for_each_triple([&](std::int8_t mask, int in_class, std::int8_t regime) {
    if (covered.has_triple(mask, in_class, regime)) {
      ++coverage.triples, ++coverage.possible_triples;
      return;
    }
    std::optional<std::string> reason;
    for (const std::int8_t keys : keys_of_class(in_class)) {
      reason = impossibility(triple_row(mask, keys, regime));
      if (!reason) break;
    }
    const CoverageRow without_keys = triple_row(mask, kUnset, regime);
    const std::string name = fmt::format("{} keys {}", name_of(without_keys), size_class_name(in_class));
    if (reason) {
      coverage.excluded.push_back({name, *reason});
    } else {
      ++coverage.possible_triples;
      coverage.holes.push_back({name, ""});
    }
  });
}

}  // namespace

std::vector<CoverageRow> covering_array() { return Builder().build(); }

Coverage coverage_of(const std::vector<CoverageRow>& rows) {
  Combinations covered;
  for (const CoverageRow& row : rows) covered.add(row);
  Coverage coverage;
  count_pairs(coverage, covered);
  count_triples(coverage, covered);
  return coverage;
}

}  // namespace attest::harness
