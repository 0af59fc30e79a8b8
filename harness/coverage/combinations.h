#pragma once

#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "harness/coverage/dimensions.h"

/// Pairs of values; triples of mask, size class and regime in float32, the dtype that everybody computes; and triples
/// of mask, keys and dtype.
namespace attest::harness {

/// What must occur: rows in which the values are set. One of them in a whole row is enough, as of the sizes of a class.
struct Combination {
  enum class Kind { pair, regime_triple, dtype_triple };
  Kind kind;
  std::vector<CoverageRow> ways;
};

/// Calls visit(combination) for every one, triples first.
void for_each_combination(const std::function<void(const Combination& combination)>& visit);

/// The combinations of some rows.
class Combinations {
 public:
  /// Adds all of a whole row.
  void add(const CoverageRow& row);
  bool has(const Combination& combination) const;
  bool has_pair(std::size_t a, std::int8_t value_a, std::size_t b, std::int8_t value_b) const;

 private:
  std::set<std::array<int, 4>> pairs_;
  std::set<std::array<int, 3>> regime_triples_, dtype_triples_;
};

/// A whole row with these values set, of no more than this work; none if there is none. Of the values that it may take
/// in a dimension, `order` says which to try first.
using ValueOrder = std::function<std::vector<std::int8_t>(const CoverageRow& so_far, std::size_t dimension)>;
std::optional<CoverageRow> completed(const CoverageRow& row, std::int64_t most_work, const ValueOrder& order);

/// The values of a dimension as they stand.
std::vector<std::int8_t> values_as_listed(const CoverageRow& so_far, std::size_t dimension);

}  // namespace attest::harness
