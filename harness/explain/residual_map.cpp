#include "harness/explain/residual_map.h"

#include <algorithm>
#include <cmath>

#include "harness/explain/region.h"
#include "harness/verdict/comparator.h"

namespace attest::harness::explain {
namespace {

/// Along each side: what a reader can tell apart, and a report can hold many times.
constexpr std::int64_t kMostCells = 64;

constexpr double kNotJudged = -1.0;

std::int64_t elements_a_cell(std::int64_t elements) { return (elements + kMostCells - 1) / kMostCells; }

char letter_of(double e) {
  if (e == kNotJudged) return ' ';
  if (e <= 1.0) return '0';
  if (!std::isfinite(e)) return 'x';
  return static_cast<char>('0' + std::min(9, static_cast<int>(std::ceil(std::log10(e)))));
}

/// The largest e of each cell in a row of cells.
void take_row(const Residual& residual, std::int64_t row, std::int64_t columns_a_cell, std::vector<double>& largest) {
  if (!residual.is_judged(row)) return;
  const auto got = residual.got(row), truth = residual.truth(row), budget = residual.budget(row);
  for (std::size_t c = 0; c < residual.row_length(); ++c) {
    double& cell = largest[c / static_cast<std::size_t>(columns_a_cell)];
    cell = std::max(cell, share_of_budget(got[c], truth[c], budget[c], residual.dtype()));
  }
}

}  // namespace

ResidualMap residual_map(const Residual& residual) {
  ResidualMap map;
  const auto columns = static_cast<std::int64_t>(residual.row_length());
  map.axes = axis_names(residual.stage());
  // Sampled tokens are those of any samples: one axis instead of two.
  if (residual.is_sampled()) map.axes = {"sampled token", "head"};
  map.axes.resize(residual.shape().size() - 1);
  map.axes.push_back("channel");
  map.shape = residual.shape();
  map.rows_a_cell = elements_a_cell(residual.rows());
  map.columns_a_cell = elements_a_cell(columns);
  const auto cells_a_row = static_cast<std::size_t>((columns + map.columns_a_cell - 1) / map.columns_a_cell);
  for (std::int64_t first = 0; first < residual.rows(); first += map.rows_a_cell) {
    std::vector<double> largest(cells_a_row, kNotJudged);
    const std::int64_t last = std::min(first + map.rows_a_cell, residual.rows());
    for (std::int64_t row = first; row < last; ++row) take_row(residual, row, map.columns_a_cell, largest);
    std::ranges::transform(largest, std::back_inserter(map.cells.emplace_back()), letter_of);
  }
  return map;
}

}  // namespace attest::harness::explain
