#include <gtest/gtest.h>

#include <cstdio>
#include <utility>

#include "property_tests/sample_layer.h"
#include "property_tests/share_of_budget.h"
#include "reference/multi_head_attention.h"

/// Would the end-to-end budget notice? Wrong layers, judged against the truth of the right one: each bug exceeds the
/// budget by far, in float32 and in bfloat16, for every rotary embedding.
namespace attest::property_tests {
namespace {

constexpr std::int64_t kTokens = 12;

/// Each bug is far outside. bfloat16 has 2^16 times less room to show one token's position off by one.
double by_far(DType dtype) { return dtype == DType::float32 ? 1000 : 2; }

struct Subject {
  SampleLayer sample;
  Inputs inputs;
};

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  const std::int64_t h_d = 16;
  const PosEmbeddings embeddings[] = {RotaryPositionalEmbeddings{h_d, 64}, Phi3RotaryPositionalEmbeddings{h_d, 64},
                                      Qwen2RotaryPositionalEmbeddings{h_d, 64}};
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (const PosEmbeddings& embedding : embeddings) {
      const SampleLayer sample{.h_d = h_d, .d = 64, .pos_embeddings = embedding, .kv_cache = {}, .dtype = dtype};
      all.push_back({sample, {sample_tensor({2, kTokens, 64}, 9, dtype), SameAsX{}, NoMask{}, std::nullopt}});
    }
  }
  return all;
}

/// e of the output of a wrong layer or call, judged by the right one's end-to-end truth.
double e_of(const Subject& right, const LayerSpec& layer, const Inputs& inputs) {
  const auto truth = reference::LayerTruth(sample_layer(right.sample)).forward(right.inputs);
  const Stages wrong = reference::MultiHeadAttention<float>(layer).forward(inputs);
  return share_of_budget(wrong.at(Stage::output), truth.at(Stage::output));
}

void zero(Tensor& tensor) { std::ranges::fill(tensor.bytes(), std::byte{0}); }

/// Exchanges the rows of two heads in a projection [n h_d, d].
void swap_heads(Tensor& weight, std::size_t heads) {
  const auto bytes = weight.bytes();
  const std::size_t head = bytes.size() / heads;
  std::ranges::swap_ranges(bytes.first(head), bytes.subspan(head, head));
}

template <class Bug>
void expect_noticed(const char* name, Bug plant) {
  for (const Subject& right : subjects()) {
    Subject wrong = right;
    LayerSpec layer = sample_layer(right.sample);
    EXPECT_LE(e_of(right, layer, wrong.inputs), 1);
    plant(layer, wrong.inputs);
    const double e = e_of(right, layer, wrong.inputs);
    EXPECT_GT(e, by_far(right.sample.dtype)) << name << " in " << name_of(right.sample.dtype);
    std::printf("%-28s %-8s e = %.0f\n", name, std::string(name_of(right.sample.dtype)).c_str(), e);
  }
}

TEST(budget_power, a_missing_bias_is_noticed_end_to_end) {
  for (const char* bias : {"q_proj.bias", "v_proj.bias", "output_proj.bias"}) {
    expect_noticed(bias, [&](LayerSpec& layer, Inputs&) { zero(layer.weights.at(bias)); });
  }
}

TEST(budget_power, two_swapped_heads_are_noticed_end_to_end) {
  expect_noticed("swapped query heads", [](LayerSpec& layer, Inputs&) {
    swap_heads(layer.weights.at("q_proj.weight"), 4);
    swap_heads(layer.weights.at("q_proj.bias"), 4);
  });
  expect_noticed("swapped key heads", [](LayerSpec& layer, Inputs&) {
    swap_heads(layer.weights.at("k_proj.weight"), 2);
    swap_heads(layer.weights.at("k_proj.bias"), 2);
  });
}

TEST(budget_power, one_position_off_by_one_is_noticed_end_to_end) {
  expect_noticed("last position off by one", [](LayerSpec&, Inputs& inputs) {
    Tensor positions = positions_from(0, kTokens);
    ++positions.as<std::int64_t>().back();
    inputs.input_pos = positions;
  });
}

TEST(budget_power, causality_off_by_one_is_noticed_end_to_end) {
  expect_noticed("causality off by one", [](LayerSpec&, Inputs& inputs) {
    BoolMask mask{Tensor(DType::boolean, {1, kTokens, kTokens})};
    for (std::int64_t i = 0; i < kTokens; ++i) {
      for (std::int64_t j = 0; j <= i + 1 && j < kTokens; ++j) {
        mask.values.as<std::uint8_t>()[static_cast<std::size_t>(i * kTokens + j)] = 1;
      }
    }
    inputs.mask = mask;
  });
}

}  // namespace
}  // namespace attest::property_tests
