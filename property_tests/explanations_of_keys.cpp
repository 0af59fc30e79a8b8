#include "property_tests/buggy_attention.h"
#include "property_tests/planted_bug.h"

/// Keys that attention leaves out, counts twice or should not see, and what is said about them.
namespace attest::property_tests {
namespace {

/// Takes key j `times` times, in both sums.
BuggyAttention counting(std::function<float(const KernelRow&, std::int64_t j)> times) {
  return weighing([times](KernelRow& row) {
    row.sum = 0.0F;
    for (std::size_t j = 0; j < row.weights.size(); ++j) {
      row.weights[j] *= times(row, static_cast<std::int64_t>(j));
      row.sum += row.weights[j];
    }
  });
}

std::vector<Planted> key_bugs() {
  const auto last = [](const KernelRow& row) { return static_cast<std::int64_t>(row.scores.size()) - 1; };
  BuggyAttention value_lost;
  value_lost.on_weights = [](KernelRow& row) { row.weights[1] = 0.0F; };
  return {
      attention("key_missing", "sizes/h_d_8_s_65_b_1", counting([](auto&, auto j) { return j == 5 ? 0.0F : 1.0F; })),
      attention("key_missing", "cross/y_longer_not_causal",
                counting([=](auto& row, auto j) { return j > last(row) - 3 ? 0.0F : 1.0F; })),
      attention("key_missing", "heads/grouped_query",
                counting([](auto& row, auto j) { return j == row.i && j > 0 ? 0.0F : 1.0F; })),
      attention("key_twice", "sizes/h_d_8_s_65_b_1", counting([](auto&, auto j) { return j == 7 ? 2.0F : 1.0F; })),
      attention("key_twice", "cross/y_longer_not_causal",
                counting([=](auto& row, auto j) { return j == last(row) ? 2.0F : 1.0F; })),
      attention("value_missing", "cross/self_not_causal", value_lost),
      attention("hidden_key_seen", "masks/bool_full", seeing([](auto&, auto j, bool seen) { return seen || j == 2; })),
  };
}

class explanation_of_keys : public testing::TestWithParam<Planted> {};
TEST_P(explanation_of_keys, names_the_bug) { expect_named(GetParam()); }

INSTANTIATE_TEST_SUITE_P(planted, explanation_of_keys, testing::ValuesIn(key_bugs()), name_of_test);

void expect_said(const BuggyAttention& kernel, const std::string& case_name, const std::string& words) {
  const std::string said = text_of(explanation_of(attention("", case_name, kernel)));
  EXPECT_NE(said.find(words), std::string::npos) << said;
}

TEST(explanation, says_which_keys) {
  expect_said(counting([](auto&, auto j) { return j == 5 ? 0.0F : 1.0F; }), "sizes/h_d_8_s_65_b_1",
              "look as if key 5 was left out");
  expect_said(counting([](auto& row, auto j) { return j == row.i - 2 ? 0.0F : 1.0F; }), "sizes/h_d_8_s_65_b_1",
              "look as if key i-2 for token i was left out");
  expect_said(counting([](auto& row, auto j) { return j == row.i || j == row.i - 1 ? 2.0F : 1.0F; }),
              "sizes/h_d_8_s_65_b_1", "keys i-1..i for token i were counted twice");
  expect_said(seeing([](auto& row, auto j, bool seen) { return seen && j > row.i - 50; }), "sizes/h_d_8_s_65_b_1",
              "the rows of token 50..64 look as if keys 0..i-50 for token i were left out");
  expect_said(counting([](auto& row, auto j) { return row.i > 2 && j == row.i * row.i % 3 ? 2.0F : 1.0F; }),
              "sizes/h_d_8_s_65_b_1",
              "look as if some keys, others in each row (in the first of them key 0 was), were");
  expect_said(counting([](auto&, auto j) { return j >= 16 && j < 32 ? 0.0F : 1.0F; }), "sizes/h_d_8_s_65_b_1",
              "look as if keys 16..31 were left out");
  expect_said(seeing([](auto& row, auto j, bool) { return j <= row.i + 1 && j > row.i - 4; }), "cross/self_not_causal",
              "look as if keys i-3..i+1 for token i were seen, and no others, whatever is hidden");
}

}  // namespace
}  // namespace attest::property_tests
