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

class Builder {
 public:
  std::vector<CoverageRow> build() {
    for_each_combination([&](const Combination& combination) {
      if (!covered_.has(combination)) add_one_of(combination.ways);
    });
    return std::move(rows_);
  }

 private:
  /// The ways, such as the sizes of a class, take turns.
  void add_one_of(std::vector<CoverageRow> ways) {
    std::ranges::rotate(ways, ways.begin() + static_cast<std::ptrdiff_t>(rows_.size() % ways.size()));
    std::ignore = std::ranges::any_of(ways, [&](const CoverageRow& way) { return add(way); });
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

/// Why no row may have any of the combination's ways; none if one may.
std::optional<std::string> impossibility(const Combination& combination) {
  const auto may_be = [](const CoverageRow& way) { return completed(way, kAnyWork, values_as_listed).has_value(); };
  if (std::ranges::any_of(combination.ways, may_be)) return std::nullopt;
  const std::string reason(exclusion(combination.ways.front()));
  return reason.empty() ? "several of the reasons together" : reason;
}

std::string name_of(const Combination& combination) {
  const CoverageRow& way = combination.ways.front();
  std::string name;
  for (std::size_t d = 0; d < kDimensions; ++d) {
    if (way[d] == kUnset) continue;
    const bool is_class = combination.ways.size() > 1 && d == static_cast<std::size_t>(Dimension::keys);
    const auto word = is_class ? size_class_name(size_class(way[d])) : word_at(way, static_cast<Dimension>(d));
    name += fmt::format("{}{}={}", name.empty() ? "" : ", ", dimensions()[d].name, word);
  }
  return name;
}

}  // namespace

std::vector<CoverageRow> covering_array() { return Builder().build(); }

Coverage coverage_of(const std::vector<CoverageRow>& rows) {
  Combinations covered;
  for (const CoverageRow& row : rows) covered.add(row);
  Coverage coverage;
  for_each_combination([&](const Combination& combination) {
    Coverage::Count& count = coverage.counts[static_cast<std::size_t>(combination.kind)];
    if (covered.has(combination)) {
      ++count.covered, ++count.possible;
    } else if (const auto reason = impossibility(combination)) {
      coverage.left_out.push_back({name_of(combination), *reason});
    } else {
      ++count.possible;
      coverage.holes.push_back({name_of(combination), ""});
    }
  });
  return coverage;
}

}  // namespace attest::harness
