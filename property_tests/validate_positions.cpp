#include "property_tests/calls_of_forward.h"

/// input_pos of a call, and the rows of the rotary table that it needs.
namespace attest::property_tests {
namespace {

Tensor positions(const Shape& shape, std::int64_t first = 0) {
  Tensor tensor(DType::int64, shape);
  for (auto& position : tensor.as<std::int64_t>()) position = first++;
  return tensor;
}

Inputs with_positions(Inputs inputs, const Tensor& input_pos) {
  inputs.input_pos = input_pos;
  return inputs;
}

TEST(validate_positions, without_positions_x_and_y_may_be_as_long_as_the_rotary_table) {
  accepted({.rotary = true}, call({1, 16, 16}));
  accepted({}, call({1, 17, 16}));
  refused({.rotary = true}, call({1, 17, 16}), "x", "shape '[-1, 17, 1, 2, 2]' is invalid for input of size 64");
  refused({.rotary = true}, with_y(call({1, 5, 16}), {1, 17, 16}), "y",
          "shape '[-1, 17, 1, 2, 2]' is invalid for input of size 64");
}

TEST(validate_positions, a_layer_that_lacks_the_tables_it_needs_is_refused_and_not_read) {
  auto layer = Layer{.rotary = true}.spec();
  layer.tables.reset();
  try {
    validate_call(layer, call({1, 5, 16}), 0);
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_EQ(error.field, "tables");
  }
}

TEST(validate_positions, input_pos_may_have_any_shape_with_a_fitting_count) {
  for (const auto& shape : {Shape{5}, {1, 5}, {2, 5}, {5, 2}, {10}, {1, 1, 5}, {1, 2, 5}}) {
    accepted({.rotary = true}, with_positions(call({2, 5, 16}), positions(shape)));
  }
  for (const auto& shape : {Shape{}, {1}, {2}}) {
    accepted({.rotary = true}, with_positions(call({2, 1, 16}), positions(shape)));
  }
  auto int32 = zeros({5}, DType::int32);
  accepted({.rotary = true}, with_positions(call({2, 5, 16}), int32));
}

TEST(validate_positions, input_pos_of_another_count_is_refused_with_torchtunes_numbers) {
  const auto x = call({2, 5, 16});
  const Layer layer{.rotary = true};
  refused(layer, with_positions(x, positions({4})), "input_pos",
          "shape '[-1, 5, 1, 2, 2]' is invalid for input of size 16");
  refused(layer, with_positions(x, positions({})), "input_pos",
          "shape '[-1, 5, 1, 2, 2]' is invalid for input of size 4");
  refused(layer, with_positions(x, positions({15})), "input_pos",
          "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0");
  refused(layer, with_positions(x, positions({0})), "input_pos",
          "The size of tensor a (2) must match the size of tensor b (0) at non-singleton dimension 0");
  refused(layer, with_positions(call({2, 1, 16}), positions({3})), "input_pos",
          "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0");
  refused(layer, with_positions(call({1, 5, 16}), positions({10})), "input_pos");
}

TEST(validate_positions, input_pos_outside_the_table_is_refused_with_torchtunes_numbers) {
  const auto x = call({2, 5, 16});
  accepted({.rotary = true}, with_positions(x, positions({5}, -16)));
  accepted({.rotary = true}, with_positions(x, positions({5}, 11)));
  refused({.rotary = true}, with_positions(x, positions({5}, -17)), "input_pos",
          "index -17 is out of bounds for dimension 0 with size 16");
  refused({.rotary = true}, with_positions(x, positions({5}, 12)), "input_pos",
          "index 16 is out of bounds for dimension 0 with size 16");
}

TEST(validate_positions, input_pos_has_an_index_dtype) {
  for (const auto dtype : {DType::float32, DType::float64, DType::bfloat16, DType::boolean}) {
    refused({.rotary = true}, with_positions(call({2, 5, 16}), zeros({5}, dtype)), "input_pos");
  }
}

TEST(validate_positions, without_a_rotary_embedding_input_pos_is_ignored) {
  for (const auto& input_pos : {positions({4}), positions({5}, 1000), zeros({5}), zeros({0}, DType::boolean)}) {
    accepted({}, with_positions(call({2, 5, 16}), input_pos));
  }
}

TEST(validate_positions, with_another_length_of_y_input_pos_must_fit_both) {
  const auto cross = [](std::int64_t b, std::int64_t s_x, std::int64_t s_y, std::int64_t count) {
    return with_positions(with_y(call({b, s_x, 16}), {b, s_y, 16}), positions({count}));
  };
  const Layer layer{.rotary = true};
  accepted(layer, cross(2, 4, 2, 4));  // [4] for x, [2, 2] for y: torchtune computes this
  accepted(layer, cross(2, 2, 4, 4));
  accepted(layer, cross(2, 2, 1, 2));
  accepted(layer, cross(4, 1, 4, 4));
  for (const auto& [b, s_x, s_y, count] :
       {std::tuple{1, 4, 2, 4}, {2, 4, 2, 8}, {1, 2, 4, 4}, {2, 2, 4, 8}, {2, 2, 1, 4}, {4, 1, 2, 2}, {2, 4, 2, 2}}) {
    refused(layer, cross(b, s_x, s_y, count), "input_pos");
  }
  accepted(layer, with_y(call({2, 3, 16}), {2, 7, 16}));
}

TEST(validate_positions, a_position_without_a_stored_table_row_is_refused) {
  auto layer = Layer{.rotary = true}.spec();
  layer.tables->cos = layer.tables->sin = zeros({8, 2});
  EXPECT_NO_THROW(validate_call(layer, call({1, 8, 16}), 0));
  EXPECT_THROW(validate_call(layer, call({1, 9, 16}), 0), InputError);
  EXPECT_NO_THROW(validate_call(layer, with_positions(call({1, 1, 16}), positions({1}, 7)), 0));
  EXPECT_THROW(validate_call(layer, with_positions(call({1, 1, 16}), positions({1}, 8)), 0), InputError);
  EXPECT_THROW(validate_call(layer, with_positions(call({1, 1, 16}), positions({1}, -1)), 0), InputError);
}

}  // namespace
}  // namespace attest::property_tests
