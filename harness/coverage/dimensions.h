#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "harness/draw/drawn_case.h"

/// What the covering array varies: the dimensions in which real kernels have their faults, and their values, as data.
namespace attest::harness {

enum class Dimension { mask, hidden, keys, regime, path, queries, heads, batch, head_dim, dtype, history };
inline constexpr std::size_t kDimensions = 11;

struct DimensionValue {
  std::string_view word;
  void (*apply)(CaseDraw& draw);  ///< says so in a draw; in the order of Dimension
};

struct DimensionTable {
  std::string_view name;
  std::span<const DimensionValue> values;
};

/// In the order of Dimension.
std::span<const DimensionTable> dimensions();

/// The index of a value in each dimension; kUnset where none is chosen yet.
using CoverageRow = std::array<std::int8_t, kDimensions>;
inline constexpr std::int8_t kUnset = -1;

inline std::int8_t at(const CoverageRow& row, Dimension dimension) { return row[static_cast<std::size_t>(dimension)]; }
/// The word of the row's value, or "" where it is unset.
std::string_view word_at(const CoverageRow& row, Dimension dimension);

/// The draw of a whole row.
CaseDraw draw_of(const CoverageRow& row, std::uint64_t seed);

/// Of the values of `keys`, those around a tile have a class: just below, at or just above a tile of 16 to 64, 128 to
/// 512 or 1024 to 4096. Negative where there is none.
inline constexpr int kSizeClasses = 9;
int size_class(std::int8_t keys);
std::string_view size_class_name(int size_class);

/// Why no row may have these values together; empty where it may, as far as they are set.
std::string_view exclusion(const CoverageRow& row);

/// Products of a query's channel with a key's, over the whole call; what is unset counts as the least it can be.
std::int64_t work_of(const CoverageRow& row);

}  // namespace attest::harness
