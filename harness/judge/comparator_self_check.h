#pragma once

#include <span>
#include <string>
#include <string_view>

#include "harness/verdict/comparator.h"

/// The comparator's truth table. `attest verify` runs it before it judges anything, because a harness whose comparison
/// is broken passes everything; the tests run it row by row.
namespace attest::harness {

struct TruthTableRow {
  std::string_view name;  ///< "a NaN in the output"
  bool accept = false;    ///< what the comparator must say
  Comparison (*compare_it)();
};

std::span<const TruthTableRow> comparator_truth_table();

/// The name of the first row that the comparator gets wrong, or an empty string.
std::string first_comparator_error();

}  // namespace attest::harness
