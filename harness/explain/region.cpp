#include "harness/explain/region.h"

#include <fmt/format.h>

#include <set>

#include "harness/judge/judgement.h"

namespace attest::harness::explain {
namespace {

std::set<std::int64_t> outside_columns(const Residual& residual) {
  std::set<std::int64_t> columns;
  for (const std::int64_t row : residual.outside_rows()) {
    for (std::size_t c = 0; c < residual.row_length(); ++c) {
      if (residual.is_outside(row, c)) columns.insert(static_cast<std::int64_t>(c));
    }
  }
  return columns;
}

/// The values that each axis but the last takes in the rows outside.
std::vector<std::set<std::int64_t>> outside_indices(const Residual& residual, const Shape& rows_shape) {
  std::vector<std::set<std::int64_t>> indices(rows_shape.size());
  for (const std::int64_t row : residual.outside_rows()) {
    const Shape index = unflatten(row, rows_shape);
    for (std::size_t axis = 0; axis < index.size(); ++axis) indices[axis].insert(index[axis]);
  }
  return indices;
}

/// "0..3, 7": integers as ranges.
std::string ranges_text(const std::set<std::int64_t>& values) {
  std::string text;
  for (auto first = values.begin(); first != values.end();) {
    auto last = first;
    while (std::next(last) != values.end() && *std::next(last) == *last + 1) ++last;
    text +=
        (text.empty() ? "" : ", ") + (first == last ? fmt::format("{}", *first) : fmt::format("{}..{}", *first, *last));
    first = std::next(last);
  }
  return text;
}

}  // namespace

std::vector<std::string> axis_names(const Residual& residual) {
  const Stage stage = residual.stage();
  if (stage == Stage::attention && residual.shape().size() == 3) return {"sampled row", "head"};
  if (stage == Stage::output && residual.shape().size() == 2) return {"sampled row"};
  switch (stage) {
    case Stage::q_proj:
    case Stage::k_proj:
    case Stage::v_proj:
    case Stage::output:
      return {"sample", "token"};
    case Stage::q_rope:
    case Stage::k_rope:
      return {"sample", "token", "head"};
    case Stage::q_norm:
    case Stage::k_norm:
    case Stage::attention:
      return {"sample", "head", "token"};
    case Stage::k_cache:
    case Stage::v_cache:
      break;
  }
  return {"sample", "head", "slot"};
}

std::string region_text(const Residual& residual) {
  if (static_cast<std::int64_t>(residual.outside_rows().size()) == residual.rows()) return "all rows";
  Shape rows_shape = residual.shape();
  if (!rows_shape.empty()) rows_shape.pop_back();
  const auto indices = outside_indices(residual, rows_shape);
  const auto names = axis_names(residual);
  std::string text;
  for (std::size_t axis = 0; axis < std::min(indices.size(), names.size()); ++axis) {
    if (static_cast<std::int64_t>(indices[axis].size()) == rows_shape[axis]) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", names[axis], ranges_text(indices[axis]));
  }
  return text.empty() ? fmt::format("{} rows", residual.outside_rows().size()) : "the rows of " + text;
}

std::string pattern_text(const Residual& residual) {
  const auto columns = outside_columns(residual);
  std::string text = fmt::format("outside: {} of {} rows ({})", residual.outside_rows().size(), residual.rows(),
                                 region_text(residual));
  if (columns.size() < residual.row_length()) text += fmt::format(", only in columns {}", ranges_text(columns));
  return text;
}

}  // namespace attest::harness::explain
