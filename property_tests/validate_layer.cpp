#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "fixtures/error.h"
#include "fixtures/validate.h"
#include "property_tests/arbitrary_case.h"

namespace attest::property_tests {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

LayerSpec valid_layer() { return arbitrary_case({.norm = true, .bias = true}).layer; }  // d 8, n_h 4, n_kv 2, h_d 4

InputError refusal(const std::function<void(LayerSpec&)>& change) {
  auto layer = valid_layer();
  change(layer);
  try {
    validate_layer(layer);
  } catch (const InputError& error) {
    return error;
  }
  ADD_FAILURE() << "accepted";
  return {"accepted", "", ""};
}

InputError config_refusal(const std::function<void(Config&)>& change) {
  return refusal([&](LayerSpec& layer) { change(layer.config); });
}

void expect_words(const InputError& error, const std::string& field, const std::vector<std::string>& words) {
  EXPECT_EQ(error.field, field) << error.what();
  for (const auto& word : words) EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
}

TEST(validate_layer, a_valid_layer_of_every_kind_is_accepted) {
  for (int arm = 0; arm < 5; ++arm) {
    for (int cache = 0; cache < 3; ++cache) {
      for (const auto dtype : {DType::float32, DType::bfloat16}) {
        const ArbitraryCase choice{.pos_embeddings = arm, .cache = cache, .norm = arm % 2 == 0, .dtype = dtype};
        EXPECT_NO_THROW(validate_layer(arbitrary_case(choice).layer));
      }
    }
  }
}

// torchtune: "num_heads (4) must be divisible by num_kv_heads (3)"
TEST(validate_layer, num_heads_must_be_divisible_by_num_kv_heads) {
  expect_words(config_refusal([](Config& c) { c.num_kv_heads = 3; }), "num_heads",
               {"4", "3", "divisible by num_kv_heads"});
  expect_words(config_refusal([](Config& c) { c.num_kv_heads = -3; }), "num_heads", {"4", "-3"});
  expect_words(config_refusal([](Config& c) { c.num_kv_heads = 8; }), "num_heads", {"4", "8"});
}

// torchtune: "embed_dim (17) must be divisible by num_heads (4)"
TEST(validate_layer, embed_dim_must_be_divisible_by_num_heads) {
  expect_words(config_refusal([](Config& c) { c.embed_dim = 17; }), "embed_dim", {"17", "4", "divisible by num_heads"});
}

// torchtune: "attn_dropout (8) must be between 0.0 and 1.0", where 8 is embed_dim
TEST(validate_layer, attn_dropout_must_be_a_probability_and_the_error_has_every_number_of_torchtunes) {
  for (const double dropout : {-0.1, 1.5, -std::numeric_limits<double>::infinity()}) {
    expect_words(config_refusal([&](Config& c) { c.attn_dropout = dropout; }), "attn_dropout",
                 {"between 0.0 and 1.0", "embed_dim", " 8"});
  }
}

TEST(validate_layer, attn_dropout_may_be_one_or_nan_in_evaluation_as_for_torchtune) {
  for (const double dropout : {0.0, 1.0, 0.5, kNaN}) {
    auto layer = valid_layer();
    layer.config.attn_dropout = dropout;
    EXPECT_NO_THROW(validate_layer(layer));
  }
}

TEST(validate_layer, a_dropout_in_training_is_a_number) {
  for (const double dropout : {0.0, 0.1, 1.0, kNaN}) {
    auto layer = valid_layer();
    layer.config.attn_dropout = dropout;
    EXPECT_NO_THROW(validate_layer(layer)) << "in evaluation nobody looks at it";
    layer.config.training = true;
    if (std::isnan(dropout)) continue;
    EXPECT_NO_THROW(validate_layer(layer));
  }
  expect_words(config_refusal([](Config& c) {
                 c.training = true;
                 c.attn_dropout = kNaN;
               }),
               "attn_dropout", {"training"});
}

// torchtune: "q and k norm must be set together"
TEST(validate_layer, q_norm_and_k_norm_are_set_together) {
  expect_words(config_refusal([](Config& c) { c.k_norm = NoNorm{}; }), "q_norm", {"set together"});
  expect_words(config_refusal([](Config& c) { c.q_norm = NoNorm{}; }), "q_norm", {"set together"});
}

TEST(validate_layer, the_checks_come_in_torchtunes_order) {
  Config all_wrong = valid_layer().config;
  all_wrong.num_kv_heads = 3;
  all_wrong.embed_dim = 17;
  all_wrong.attn_dropout = 2;
  all_wrong.k_norm = NoNorm{};
  all_wrong.head_dim = -1;
  const auto field = [&] { return config_refusal([&](Config& c) { c = all_wrong; }).field; };
  EXPECT_EQ(field(), "num_heads");
  all_wrong.num_kv_heads = 2;
  EXPECT_EQ(field(), "embed_dim");
  all_wrong.embed_dim = 8;
  EXPECT_EQ(field(), "attn_dropout");
  all_wrong.attn_dropout = 0;
  EXPECT_EQ(field(), "q_norm");
  all_wrong.k_norm = all_wrong.q_norm;
  EXPECT_EQ(field(), "head_dim");
}

TEST(validate_layer, extents_must_be_positive_and_sane) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min(), kMax = std::numeric_limits<std::int64_t>::max();
  for (const auto extent : {std::int64_t{0}, std::int64_t{-2}, kMin, kMax}) {
    EXPECT_EQ(config_refusal([&](Config& c) { c.head_dim = extent; }).field, "head_dim") << extent;
    EXPECT_EQ(config_refusal([&](Config& c) { c.kv_cache = KVCache{extent, 4}; }).field, "kv_cache") << extent;
    EXPECT_EQ(config_refusal([&](Config& c) { c.kv_cache = KVCache{4, extent}; }).field, "kv_cache") << extent;
  }
  EXPECT_EQ(config_refusal([](Config& c) { c.num_kv_heads = 0; }).field, "num_kv_heads");
  EXPECT_EQ(config_refusal([](Config& c) { c.num_kv_heads = -2; }).field, "num_kv_heads");
  EXPECT_EQ(config_refusal([](Config& c) { c.num_heads = 0; }).field, "num_heads");
  EXPECT_EQ(config_refusal([](Config& c) { c.embed_dim = 0; }).field, "embed_dim");
  EXPECT_EQ(config_refusal([&](Config& c) { c.num_heads = kMin, c.num_kv_heads = -1; }).field, "embed_dim");
  EXPECT_EQ(config_refusal([](Config& c) { c.dtype = DType::float64; }).field, "dtype");
}

TEST(validate_layer, projections_norms_and_the_rotary_embedding_fit_the_heads) {
  EXPECT_EQ(config_refusal([](Config& c) { c.q_proj = Linear{8, 15}; }).field, "q_proj");
  EXPECT_EQ(config_refusal([](Config& c) { c.k_proj = Linear{8, 16}; }).field, "k_proj");
  EXPECT_EQ(config_refusal([](Config& c) { c.v_proj = Linear{9, 8}; }).field, "v_proj");
  EXPECT_EQ(config_refusal([](Config& c) { c.output_proj = Linear{8, 8}; }).field, "output_proj");
  EXPECT_EQ(config_refusal([](Config& c) { c.output_proj = Linear{16, 0}; }).field, "output_proj");
  EXPECT_EQ(config_refusal([](Config& c) { c.k_norm = RMSNorm{5}; }).field, "k_norm");
  EXPECT_EQ(config_refusal([](Config& c) {
              c.pos_embeddings = RotaryPositionalEmbeddings{8, 16};
            }).field,
            "pos_embeddings");
  EXPECT_EQ(config_refusal([](Config& c) {
              c.pos_embeddings = Phi3RotaryPositionalEmbeddings{4, 0};
            }).field,
            "pos_embeddings");
}

TEST(validate_layer, every_parameter_is_there_once_with_its_shape_and_dtype) {
  EXPECT_EQ(refusal([](LayerSpec& l) { l.weights.erase("q_proj.bias"); }).field, "q_proj.bias");
  EXPECT_EQ(refusal([](LayerSpec& l) { l.weights.erase("k_norm.scale"); }).field, "k_norm.scale");
  EXPECT_EQ(refusal([](LayerSpec& l) { l.weights["output_proj.bias"] = Tensor(DType::float32, {9}); }).field,
            "output_proj.bias");
  EXPECT_EQ(refusal([](LayerSpec& l) {
              l.weights["v_proj.weight"] = Tensor(DType::float32, {8, 16});
            }).field,
            "v_proj.weight");
  EXPECT_EQ(refusal([](LayerSpec& l) {
              l.weights["v_proj.weight"] = Tensor(DType::bfloat16, {8, 8});
            }).field,
            "v_proj.weight");
}

TEST(validate_layer, the_rotary_tables_are_there_exactly_with_a_rotary_embedding) {
  EXPECT_EQ(refusal([](LayerSpec& l) { l.tables.reset(); }).field, "tables");
  EXPECT_EQ(refusal([](LayerSpec& l) { l.config.pos_embeddings = NoPosEmbeddings{}; }).field, "tables");
  EXPECT_EQ(refusal([](LayerSpec& l) { l.tables->theta = Tensor(DType::float32, {4}); }).field, "theta");
  EXPECT_EQ(refusal([](LayerSpec& l) { l.tables->cos = Tensor(DType::float32, {17, 2}); }).field, "cos");
  EXPECT_EQ(refusal([](LayerSpec& l) { l.tables->cos = Tensor(DType::float32, {}); }).field, "cos");
  EXPECT_EQ(refusal([](LayerSpec& l) { l.tables->sin = Tensor(DType::float32, {15, 2}); }).field, "sin");
  EXPECT_EQ(refusal([](LayerSpec& l) { l.tables->sin = Tensor(DType::float64, {16, 2}); }).field, "sin");
}

}  // namespace
}  // namespace attest::property_tests
