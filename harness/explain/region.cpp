#include "harness/explain/region.h"

#include <fmt/format.h>

#include <ranges>
#include <set>

#include "harness/verdict/judgement.h"

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

/// The values that each axis but the last takes in some rows.
template <class Rows>
std::vector<std::set<std::int64_t>> indices_of(const Residual& residual, const Rows& rows) {
  std::vector<std::set<std::int64_t>> indices;
  for (const std::int64_t row : rows) {
    const Shape index = residual.index(row);
    indices.resize(index.size());
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

std::vector<std::string> axis_names(Stage stage) {
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
  if (static_cast<std::int64_t>(residual.outside_rows().size()) == residual.rows()) {
    return residual.is_sampled() ? "all sampled rows" : "all rows";
  }
  const auto outside = indices_of(residual, residual.outside_rows());
  const auto all = indices_of(residual, std::views::iota(std::int64_t{0}, residual.rows()));
  const auto names = axis_names(residual.stage());
  std::string text;
  for (std::size_t axis = 0; axis < std::min(outside.size(), names.size()); ++axis) {
    if (outside[axis].size() == all[axis].size()) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", names[axis], ranges_text(outside[axis]));
  }
  if (text.empty()) return fmt::format("{} rows", residual.outside_rows().size());
  return (residual.is_sampled() ? "the sampled rows of " : "the rows of ") + text;
}

std::string pattern_text(const Residual& residual) {
  const auto columns = outside_columns(residual);
  std::string text = fmt::format("outside: {} of {} rows ({})", residual.outside_rows().size(), residual.rows(),
                                 region_text(residual));
  if (columns.size() < residual.row_length()) text += fmt::format(", only in columns {}", ranges_text(columns));
  return text;
}

}  // namespace attest::harness::explain
