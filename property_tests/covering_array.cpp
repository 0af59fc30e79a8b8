#include "harness/coverage/covering_array.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "harness/draw/draw_line.h"

/// Every pair and triple that may occur does; what is left out has a reason; a row's draw is what the row says.
namespace attest::property_tests {
namespace {

using namespace harness;

TEST(covering_array, has_every_combination_that_may_occur) {
  const auto rows = covering_array();
  const Coverage coverage = coverage_of(rows);
  using enum Combination::Kind;
  fmt::print("{} rows; pairs {}, triples with regime {}, with dtype {}; {} left out\n", rows.size(),
             coverage.of(pair).covered, coverage.of(regime_triple).covered, coverage.of(dtype_triple).covered,
             coverage.left_out.size());
  for (const auto& hole : coverage.holes) ADD_FAILURE() << hole.what;
  for (const auto& [what, reason] : coverage.left_out) EXPECT_FALSE(reason.empty()) << what;
}

TEST(covering_array, without_a_row_that_alone_has_a_pair_there_is_a_hole_that_names_it) {
  auto rows = covering_array();
  rows.pop_back();  // the last row was added for a pair that no row before it has
  const Coverage coverage = coverage_of(rows);
  ASSERT_FALSE(coverage.holes.empty());
  EXPECT_NE(coverage.holes.front().what.find('='), std::string::npos);
}

/// nearest_valid would change what a row says where the exclusions forgot something.
TEST(covering_array, the_draw_of_a_row_is_what_the_row_says) {
  for (const CoverageRow& row : covering_array()) {
    const CaseDraw draw = draw_of(row, 1);
    const std::string line = to_line(draw);
    EXPECT_EQ(std::to_string(draw.mask_columns()), word_at(row, Dimension::keys)) << line;
    EXPECT_EQ(std::to_string(draw.num_heads()) + "/" + std::to_string(draw.n_kv), word_at(row, Dimension::heads))
        << line;
    EXPECT_EQ(std::to_string(draw.b), word_at(row, Dimension::batch)) << line;
    EXPECT_EQ(std::to_string(draw.h_d), word_at(row, Dimension::head_dim)) << line;
    EXPECT_EQ(name_of(draw.dtype), word_at(row, Dimension::dtype)) << line;
    EXPECT_EQ(draw.poison ? "nan_in_hidden" : draw.family, word_at(row, Dimension::regime)) << line;
    EXPECT_EQ(draw.alone, !word_at(row, Dimension::path).starts_with("layer")) << line;
    if (word_at(row, Dimension::queries) != "as keys") {
      EXPECT_EQ(std::to_string(draw.called_tokens()), word_at(row, Dimension::queries)) << line;
    }
    for (std::size_t d = 0; d < kDimensions; ++d) EXPECT_GE(row[d], 0);
  }
}

TEST(covering_array, is_the_same_every_time) { EXPECT_EQ(covering_array(), covering_array()); }

}  // namespace
}  // namespace attest::property_tests
