#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "fixtures/error.h"
#include "property_tests/sample_layer.h"
#include "property_tests/share_of_budget.h"
#include "reference/multi_head_attention.h"
#include "reference/truth.h"

/// Laws of attention that need no recorded answer, for the float reference.
namespace attest::property_tests {
namespace {

using Layer = reference::MultiHeadAttention<float>;

struct Choice {
  std::int64_t b, s, n_kv, q_per_kv, h_d;
  std::uint64_t seed;

  std::int64_t num_heads() const { return n_kv * q_per_kv; }
  std::int64_t d() const { return 2 * num_heads(); }
};

Choice any_choice() {
  return {*rc::gen::inRange<std::int64_t>(1, 4),     *rc::gen::inRange<std::int64_t>(2, 9),
          *rc::gen::inRange<std::int64_t>(1, 4),     *rc::gen::inRange<std::int64_t>(1, 4),
          2 * *rc::gen::inRange<std::int64_t>(1, 9), *rc::gen::inRange<std::uint64_t>(0, 1'000'000)};
}

SampleLayer sample_of(const Choice& choice) {
  const PosEmbeddings rotary = RotaryPositionalEmbeddings{choice.h_d, 32};
  return {.n_h = choice.num_heads(),
          .n_kv = choice.n_kv,
          .h_d = choice.h_d,
          .d = choice.d(),
          .pos_embeddings = rotary,
          .kv_cache = {},
          .seed = choice.seed};
}

Inputs inputs_of(const Choice& choice) {
  return {sample_tensor({choice.b, choice.s, choice.d()}, choice.seed + 1), SameAsX{}, NoMask{}, std::nullopt};
}

bool same_bits(const Tensor& a, const Tensor& b) { return std::ranges::equal(a.bytes(), b.bytes()); }

/// [1, s, s] bool, true where visible(i, j).
template <class Visible>
BoolMask square_mask(std::int64_t s, Visible visible) {
  BoolMask mask{Tensor(DType::boolean, {1, s, s})};
  for (std::int64_t at = 0; at < s * s; ++at) {
    mask.values.as<std::uint8_t>()[static_cast<std::size_t>(at)] = visible(at / s, at % s) ? 1 : 0;
  }
  return mask;
}

RC_GTEST_PROP(reference_laws, changing_a_future_token_never_changes_an_earlier_output, ()) {
  const Choice choice = any_choice();
  const Inputs inputs = inputs_of(choice);
  Inputs changed = inputs;
  const auto token = *rc::gen::inRange<std::int64_t>(1, choice.s);
  const auto first = static_cast<std::size_t>(token * choice.d());
  for (auto& element : changed.x.as<float>().subspan(first, static_cast<std::size_t>(choice.d())))
    element += 1;  // of the first sample
  Layer layer(sample_layer(sample_of(choice)));
  const Tensor before = layer.forward(inputs).at(Stage::output), after = layer.forward(changed).at(Stage::output);
  RC_ASSERT(same_bits(tokens_of(before, 0, token), tokens_of(after, 0, token)));
  RC_ASSERT(!same_bits(before, after));
}

RC_GTEST_PROP(reference_laws, a_lower_triangular_mask_equals_causality, ()) {
  const Choice choice = any_choice();
  Inputs inputs = inputs_of(choice);
  Layer layer(sample_layer(sample_of(choice)));
  const Tensor causal = layer.forward(inputs).at(Stage::output);
  inputs.mask = square_mask(choice.s, [](std::int64_t i, std::int64_t j) { return j <= i; });
  RC_ASSERT(same_bits(causal, layer.forward(inputs).at(Stage::output)));
}

RC_GTEST_PROP(reference_laws, an_all_true_mask_equals_no_mask_without_causality, ()) {
  const Choice choice = any_choice();
  SampleLayer sample = sample_of(choice);
  sample.is_causal = false;
  Inputs inputs = inputs_of(choice);
  Layer layer(sample_layer(sample));
  const Tensor unmasked = layer.forward(inputs).at(Stage::output);
  inputs.mask = square_mask(choice.s, [](std::int64_t, std::int64_t) { return true; });
  RC_ASSERT(same_bits(unmasked, layer.forward(inputs).at(Stage::output)));
}

RC_GTEST_PROP(reference_laws, grouped_queries_equal_all_heads_with_repeated_keys_and_values, ()) {
  const Choice choice = any_choice();
  const std::int64_t n_h = choice.num_heads(), h_d = choice.h_d;
  const Tensor q = sample_tensor({choice.b, n_h, choice.s, h_d}, choice.seed);
  const Tensor k = sample_tensor({choice.b, choice.n_kv, choice.s, h_d}, choice.seed + 1);
  const Tensor v = sample_tensor({choice.b, choice.n_kv, choice.s, h_d}, choice.seed + 2);
  const auto repeated = [&](const Tensor& heads) {
    Tensor all(DType::float32, {choice.b, n_h, choice.s, h_d});
    const auto head = static_cast<std::size_t>(choice.s * h_d), per_kv = static_cast<std::size_t>(choice.q_per_kv);
    for (std::size_t h = 0; h < static_cast<std::size_t>(choice.b * n_h); ++h) {
      std::ranges::copy(heads.as<float>().subspan(h / per_kv * head, head), all.as<float>().begin() + h * head);
    }
    return all;
  };
  const Mask mask;
  const Tensor all_k = repeated(k), all_v = repeated(v);
  RC_ASSERT(
      same_bits(reference::attention({q, k, v, mask, true}), reference::attention({q, all_k, all_v, mask, true})));
}

RC_GTEST_PROP(reference_laws, decoding_token_by_token_from_the_cache_equals_the_full_forward, ()) {
  const Choice choice = any_choice();
  SampleLayer sample = sample_of(choice);
  const Inputs inputs = inputs_of(choice);
  const auto truth = reference::LayerTruth(sample_layer(sample)).forward(inputs).at(Stage::output);
  sample.kv_cache = KVCache{choice.b, choice.s, true};
  Layer layer(sample_layer(sample));
  const BoolMask causal = square_mask(choice.s, [](std::int64_t i, std::int64_t j) { return j <= i; });
  for (std::int64_t token = 0; token < choice.s; ++token) {
    Inputs step{tokens_of(inputs.x, token, 1), SameAsX{}, NoMask{}, positions_from(token, 1)};
    Tensor visible(DType::boolean, {1, 1, choice.s});
    std::ranges::copy(causal.values.as<std::uint8_t>().subspan(static_cast<std::size_t>(token * choice.s),
                                                               static_cast<std::size_t>(choice.s)),
                      visible.as<std::uint8_t>().begin());
    step.mask = BoolMask{visible};
    const reference::StageTruth of_token{tokens_of(truth.value, token, 1), tokens_of(truth.budget, token, 1), {}, {}};
    RC_ASSERT(share_of_budget(layer.forward(step).at(Stage::output), of_token) <= 1);
  }
}

RC_GTEST_PROP(reference_laws, a_refused_call_leaves_the_cache_as_it_was, ()) {
  const Choice choice = any_choice();
  SampleLayer sample = sample_of(choice);
  sample.kv_cache = KVCache{choice.b, choice.s + 1, true};
  const LayerSpec spec = sample_layer(sample);
  const Inputs inputs = inputs_of(choice);  // s tokens: the second call of this size is one too many
  Layer undisturbed(spec), disturbed(spec);
  undisturbed.forward(inputs);
  disturbed.forward(inputs);
  RC_ASSERT_THROWS_AS(disturbed.forward(inputs), InputError);
  const Inputs next{tokens_of(inputs.x, 0, 1), SameAsX{}, NoMask{}, positions_from(choice.s, 1)};
  const Stages expected = undisturbed.forward(next), got = disturbed.forward(next);
  for (const Stage stage : {Stage::k_cache, Stage::v_cache, Stage::output}) {
    RC_ASSERT(same_bits(expected.at(stage), got.at(stage)));
  }
}

}  // namespace
}  // namespace attest::property_tests
