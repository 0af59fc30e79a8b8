#pragma once

#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "harness/coverage/dimensions.h"

/// Pairs of values, and triples of mask, size class and regime.
namespace attest::harness {

/// A set of pairs or triples, each a row in which they alone are set. A triple's `keys` is the class, not the value.
class Combinations {
 public:
  /// Adds all of a whole row.
  void add(const CoverageRow& row);
  bool has_pair(std::size_t a, std::int8_t value_a, std::size_t b, std::int8_t value_b) const;
  bool has_triple(std::int8_t mask, int size_class, std::int8_t regime) const;

 private:
  std::set<std::array<int, 4>> pairs_;
  std::set<std::array<int, 3>> triples_;
};

/// Calls visit(row with two values set) for every pair of values.
void for_each_pair(const std::function<void(const CoverageRow& pair)>& visit);

/// Calls visit(mask, size class, regime) for every triple.
void for_each_triple(const std::function<void(std::int8_t mask, int size_class, std::int8_t regime)>& visit);

/// A whole row with these values set, of no more than this work; none if there is none. Of the values that it may take
/// in a dimension, `order` says which to try first.
using ValueOrder = std::function<std::vector<std::int8_t>(const CoverageRow& so_far, std::size_t dimension)>;
std::optional<CoverageRow> completed(const CoverageRow& row, std::int64_t most_work, const ValueOrder& order);

/// The values of a dimension as they stand.
std::vector<std::int8_t> values_as_listed(const CoverageRow& so_far, std::size_t dimension);

/// The values of `keys` in a class.
std::vector<std::int8_t> keys_of_class(int size_class);

}  // namespace attest::harness
