#include "harness/draw/drawn_case.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fixtures/error.h"
#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
#include "harness/draw/draw_line.h"
#include "harness/judge/input_guard.h"
#include "property_tests/any_draw.h"

/// Generated cases are valid, reproducible, and written on one line.
namespace attest::property_tests {
namespace {

using namespace harness;

RC_GTEST_PROP(drawn_case, a_line_says_everything, ()) {
  const CaseDraw draw = *any_draw();
  RC_ASSERT(draw_from_line(to_line(draw)) == draw);
}

RC_GTEST_PROP(drawn_case, a_valid_draw_stays_as_it_is_whatever_the_integers_it_came_from, ()) {
  CaseDraw draw = *any_draw();
  for (auto* extent : {&draw.b, &draw.s_x, &draw.s_y, &draw.h_d, &draw.chunk, &draw.spare}) {
    *extent = *rc::gen::arbitrary<std::int64_t>();
  }
  const CaseDraw valid = nearest_valid(draw);
  RC_ASSERT(nearest_valid(valid) == valid);
}

RC_GTEST_PROP(drawn_case, every_call_is_one_that_torchtune_accepts, ()) {
  const Case item = drawn_case(*any_draw());
  validate_layer(item.layer);
  std::int64_t filled = 0;
  for (const Step& step : item.steps) {
    validate_call(item.layer, step.inputs, filled);
    const bool fills = enabled_cache(item.layer.config) != nullptr && key_value_input(step.inputs) != nullptr;
    if (fills) filled += key_value_input(step.inputs)->dim(1);
  }
}

RC_GTEST_PROP(drawn_case, the_same_draw_gives_the_same_bits, ()) {
  const CaseDraw draw = *any_draw();
  RC_ASSERT(fingerprint_of_inputs(drawn_case(draw)) == fingerprint_of_inputs(drawn_case(draw)));
}

TEST(drawn_case, the_line_of_the_simplest_case_is_short) { EXPECT_EQ(to_line({}), "family=randn"); }

void expect_refused(const std::string& line, const std::string& field) {
  try {
    draw_from_line(line);
    ADD_FAILURE() << line << " was accepted";
  } catch (const InputError& error) {
    EXPECT_EQ(error.field, field) << line;
  }
}

TEST(drawn_case, a_line_that_says_something_else_is_refused_by_name) {
  expect_refused("familiy=randn", "draw");
  expect_refused("b=2 b=2", "draw");
  expect_refused("b", "draw");
  expect_refused("b=two", "b");
  expect_refused("b=2x", "b");
  expect_refused("norm=1", "norm");
  expect_refused("mask=triangular", "mask");
  expect_refused("dtype=float64", "dtype");
  expect_refused("dtype=float64", "dtype");
}

}  // namespace
}  // namespace attest::property_tests
