#include "property_tests/calls_of_forward.h"

/// x, y, the cache and the mask of a call.
namespace attest::property_tests {
namespace {

Inputs without_y(Inputs inputs) {
  inputs.y = AbsentY{};
  return inputs;
}

Inputs with_mask(Inputs inputs, const Shape& mask) {
  inputs.mask = BoolMask{zeros(mask, DType::boolean)};
  return inputs;
}

Inputs with_float_mask(Inputs inputs, DType dtype) {
  inputs.mask = FloatMask{zeros({1, 1, 1}, dtype)};
  return inputs;
}

TEST(validate_call, x_has_three_dimensions_the_right_width_and_dtype) {
  accepted({}, call({2, 5, 16}));
  refused({}, call({5, 16}), "x", "not enough values to unpack (expected 3, got 2)");
  refused({}, call({1, 2, 5, 16}), "x", "too many values to unpack (expected 3)");
  refused({}, call({}), "x");
  refused({}, call({2, 5, 12}), "x", "shapes cannot be multiplied (10x12 and 16x16)");
  refused({}, with_y(call({2, 5, 16}), {2, 5, 12}), "y", "shapes cannot be multiplied (10x12 and 16x8)");
  refused({.dtype = DType::bfloat16}, call({2, 5, 16}), "x");
  auto wide = call({2, 5, 16});
  wide.x = zeros({2, 5, 16}, DType::float64);
  refused({}, wide, "x");
}

TEST(validate_call, an_empty_batch_or_sequence_is_refused) {
  refused({}, call({2, 0, 16}), "x", "cannot reshape tensor of 0 elements into shape [2, 0, -1, 4]");
  refused({}, call({0, 5, 16}), "x", "cannot reshape tensor of 0 elements into shape [0, 5, -1, 4]");
  refused({}, with_y(call({2, 5, 16}), {2, 0, 16}), "y",
          "cannot reshape tensor of 0 elements into shape [2, 0, -1, 4]");
}

TEST(validate_call, y_may_be_absent_only_with_an_enabled_cache) {
  accepted({.cache = KVCache{2, 8, true}}, without_y(call({2, 5, 16})));
  refused({}, without_y(call({2, 5, 16})), "y");
  refused({.cache = KVCache{2, 8, false}}, without_y(call({2, 5, 16})), "y");
}

TEST(validate_call, y_has_the_batch_of_x_although_torchtune_computes_nonsense_for_some_others) {
  accepted({}, with_y(call({2, 3, 16}), {2, 5, 16}));
  for (const auto& [b_x, b_y] : {std::pair{2, 1}, {1, 2}, {2, 4}, {4, 2}, {2, 3}}) {
    refused({}, with_y(call({b_x, 3, 16}), {b_y, 5, 16}), "y");
  }
}

TEST(validate_call, the_cache_has_the_batch_of_x) {
  accepted({.cache = KVCache{2, 8}}, call({2, 3, 16}));
  refused({.cache = KVCache{2, 8}}, call({3, 3, 16}), "kv_cache",
          "The current cache has been setup with a batch size of 2, but found new key tensors with batch size 3!");
  refused({.cache = KVCache{3, 8}}, call({2, 3, 16}), "kv_cache");
  refused({.cache = KVCache{2, 8}}, without_y(call({1, 3, 16})), "kv_cache");
  accepted({.cache = KVCache{2, 8, false}}, call({3, 9, 16}));
}

TEST(validate_call, the_cache_may_be_filled_exactly_and_not_further) {
  const Layer layer{.cache = KVCache{2, 8}};
  accepted(layer, call({2, 8, 16}));
  refused(layer, call({2, 9, 16}), "kv_cache");
  accepted(layer, call({2, 3, 16}), 5);
  refused(layer, call({2, 1, 16}), "kv_cache", "", 8);
  accepted(layer, without_y(call({2, 3, 16})), 8);
}

TEST(validate_call, a_mask_broadcasts_over_batch_rows_and_keys) {
  for (const auto& shape : {Shape{2, 5, 5}, {1, 5, 5}, {2, 1, 5}, {2, 5, 1}, {2, 1, 1}, {1, 1, 1}}) {
    accepted({}, with_mask(call({2, 5, 16}), shape));
  }
  accepted({.cache = KVCache{2, 8}}, with_mask(call({2, 3, 16}), {2, 3, 8}));
  accepted({}, with_mask(with_y(call({2, 5, 16}), {2, 7, 16}), {2, 5, 7}));
}

TEST(validate_call, a_mask_of_another_rank_or_shape_is_refused_with_torchtunes_numbers) {
  const auto x = call({2, 5, 16});
  refused({}, with_mask(x, {5, 5}), "mask", "too many indices for tensor of dimension 2");
  refused({}, with_mask(x, {5}), "mask", "too many indices for tensor of dimension 1");
  refused({}, with_mask(x, {}), "mask", "too many indices for tensor of dimension 0");
  refused({}, with_mask(x, {2, 4, 5, 5}), "mask",
          "output with shape [2, 4, 5, 5] doesn't match the broadcast shape [2, 2, 4, 5, 5]");
  refused({}, with_mask(x, {3, 5, 5}), "mask",
          "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0");
  refused({}, with_mask(x, {2, 4, 5}), "mask",
          "The size of tensor a (5) must match the size of tensor b (4) at non-singleton dimension 2");
  refused({}, with_mask(x, {2, 5, 6}), "mask",
          "The size of tensor a (5) must match the size of tensor b (6) at non-singleton dimension 3");
  refused({}, with_mask(x, {2, 5, 0}), "mask",
          "The size of tensor a (5) must match the size of tensor b (0) at non-singleton dimension 3");
  refused({}, with_mask(call({1, 5, 16}), {3, 5, 5}), "mask",
          "output with shape [1, 4, 5, 5] doesn't match the broadcast shape [3, 4, 5, 5]");
  refused({.cache = KVCache{2, 8}}, with_mask(call({2, 3, 16}), {2, 3, 3}), "mask",
          "The size of tensor a (8) must match the size of tensor b (3) at non-singleton dimension 3");
}

TEST(validate_call, a_float_mask_is_float32_or_has_the_layers_dtype) {
  for (const auto layer_dtype : {DType::float32, DType::bfloat16}) {
    auto inputs = call({2, 5, 16});
    inputs.x = zeros({2, 5, 16}, layer_dtype);
    for (const auto dtype : {DType::float32, DType::bfloat16, DType::float64, DType::int64, DType::int32}) {
      const auto masked = with_float_mask(inputs, dtype);
      const bool torch_accepts = dtype == DType::float32 || dtype == layer_dtype;
      torch_accepts ? accepted({.dtype = layer_dtype}, masked) : refused({.dtype = layer_dtype}, masked, "mask");
    }
  }
}

TEST(validate_call, a_bool_mask_holds_bools) {
  auto inputs = with_mask(call({2, 5, 16}), {1, 1, 5});
  std::get<BoolMask>(inputs.mask).values.as<std::uint8_t>()[2] = 2;
  refused({}, inputs, "mask");
  inputs.mask = BoolMask{zeros({1, 1, 5})};
  refused({}, inputs, "mask");
}

Inputs with_seq_lens(Inputs inputs, const Shape& shape, std::vector<std::int64_t> lengths) {
  Tensor seq_lens(DType::int64, shape);
  std::ranges::copy(lengths, seq_lens.as<std::int64_t>().begin());
  inputs.mask = PackedBlockCausalMask{std::move(seq_lens)};
  return inputs;
}

TEST(validate_call, the_documents_of_a_sample_have_its_tokens_in_all) {
  const auto x = call({2, 5, 16});
  accepted({}, with_seq_lens(x, {2, 2}, {2, 3, 5, 0}));
  accepted({}, with_seq_lens(x, {1, 3}, {1, 1, 3}));
  accepted({.cache = KVCache{2, 5}}, with_seq_lens(x, {1, 1}, {5}));
  refused({}, with_seq_lens(x, {1, 2}, {2, 2}), "seq_lens", "The expanded size of the tensor (5) must match 4");
  refused({}, with_seq_lens(x, {1, 2}, {3, 3}), "seq_lens", "5");
  refused({}, with_seq_lens(x, {1, 3}, {3, -1, 3}), "seq_lens", "5");
  refused({}, with_seq_lens(x, {1, 2}, {5, INT64_MAX}), "seq_lens");
  refused({}, with_seq_lens(x, {3, 1}, {5, 5, 5}), "seq_lens", "2 and 3");
  refused({}, with_seq_lens(x, {1, 0}, {}), "seq_lens", "5");
  refused({}, with_seq_lens(x, {2}, {2, 3}), "seq_lens");
  refused({}, with_seq_lens(with_y(x, {2, 7, 16}), {1, 1}, {5}), "seq_lens", "5 and 7");
  refused({.cache = KVCache{2, 8}}, with_seq_lens(x, {1, 1}, {5}), "seq_lens", "5 and 8");
  auto inputs = x;
  inputs.mask = PackedBlockCausalMask{zeros({1, 1}, DType::int32)};
  refused({}, inputs, "seq_lens");
}

}  // namespace
}  // namespace attest::property_tests
