#include "harness/isolation/call_fields.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "harness/isolation/dlpack_tensor.h"
#include "property_tests/made_call.h"

/// Every field of the C structs comes from the contract to a library.
namespace attest::harness {
namespace {

template <class Arguments>
void expect_call(const LibraryCall& call, const std::function<void(const Arguments&)>& expect) {
  int looks = 0;
  look<Arguments> = [&](const Arguments& in, const attest_call& how) {
    ++looks;
    EXPECT_EQ(in.struct_size, sizeof in);
    EXPECT_EQ(how.struct_size, sizeof how);
    EXPECT_EQ(how.num_threads, 3);
    EXPECT_EQ(how.message_capacity, CallArena::kMessageCapacity);
    EXPECT_NE(how.message, nullptr);
    expect(in);
  };
  EXPECT_EQ(make(call).status, ATTEST_DONE);
  EXPECT_EQ(looks, 1);
}

/// "q [1, 2, 3, 4]" and the values, or nothing.
void expect_holds(const DLTensor* given, const Tensor& tensor, const char* name) {
  ASSERT_NE(given, nullptr) << name;
  const Tensor got = copy_of(*given);
  EXPECT_EQ(got.shape(), tensor.shape()) << name;
  EXPECT_TRUE(got.dtype() == tensor.dtype() && std::ranges::equal(got.bytes(), tensor.bytes())) << name;
}

Shape shape_of(const DLTensor& tensor) { return {tensor.shape, tensor.shape + tensor.ndim}; }

TEST(call_fields, of_a_linear_reach_the_library) {
  expect_call<attest_linear>(prepared(LinearInputs{x, weight, &bias}).call, [](const attest_linear& in) {
    expect_holds(in.x, x, "x");
    expect_holds(in.weight, weight, "weight");
    expect_holds(in.bias, bias, "bias");
    EXPECT_EQ(shape_of(*in.out), (Shape{2, 3, 5}));
  });
  expect_call<attest_linear>(prepared(LinearInputs{x, weight}).call,
                             [](const attest_linear& in) { EXPECT_EQ(in.bias, nullptr); });
}

TEST(call_fields, of_a_rotary_reach_the_library) {
  expect_call<attest_rotary>(
      prepared(RotaryInputs{heads, rotary, tables, &input_pos}).call, [](const attest_rotary& in) {
        expect_holds(in.x, heads, "x");
        expect_holds(in.cos, tables.cos, "cos");
        expect_holds(in.sin, tables.sin, "sin");
        EXPECT_EQ(in.pairing, ATTEST_HALVES);
        EXPECT_EQ(shape_of(*in.positions), (Shape{2, 3}));
        EXPECT_EQ(static_cast<const std::int64_t*>(in.positions->data)[5], 9);  // sample 1, token 2
        EXPECT_EQ(shape_of(*in.out), heads.shape());
      });
}

TEST(call_fields, of_a_norm_reach_the_library) {
  expect_call<attest_norm>(prepared(NormInputs{heads, norm, scale}).call, [](const attest_norm& in) {
    expect_holds(in.x, heads, "x");
    expect_holds(in.scale, scale, "scale");
    EXPECT_EQ(in.eps, 0.25);
    EXPECT_EQ(shape_of(*in.out), heads.shape());
  });
}

TEST(call_fields, of_an_attention_reach_the_library) {
  expect_call<attest_attention>(prepared(AttentionInputs{q, k, v, mask, false}).call, [](const attest_attention& in) {
    expect_holds(in.q, q, "q");
    expect_holds(in.k, k, "k");
    expect_holds(in.v, v, "v");
    expect_holds(in.mask, std::get<FloatMask>(mask).values, "mask");
    EXPECT_EQ(in.is_causal, 0);
    EXPECT_EQ(in.scale, 1.0 / std::sqrt(8.0));
    EXPECT_EQ(shape_of(*in.out), q.shape());
  });
  expect_call<attest_attention>(prepared(AttentionInputs{q, k, v, no_mask, true}).call, [](const attest_attention& in) {
    EXPECT_EQ(in.mask, nullptr);
    EXPECT_EQ(in.is_causal, 1);
  });
}

TEST(call_fields, of_a_layer_reach_the_library) {
  expect_call<attest_layer>(layer_call().call, [](const attest_layer& in) {
    EXPECT_EQ(in.embed_dim, 24);
    EXPECT_EQ(in.num_heads, 4);
    EXPECT_EQ(in.num_kv_heads, 2);
    EXPECT_EQ(in.head_dim, 8);
    EXPECT_EQ(in.is_causal, 0);
    EXPECT_EQ(in.pairing, ATTEST_HALVES);
    EXPECT_EQ(in.has_norm, 1);
    EXPECT_EQ(in.q_norm_eps, 1e-6);
    EXPECT_EQ(in.k_norm_eps, 0.5);
    EXPECT_EQ(in.cache_filled, 3);
    expect_holds(in.cos, layer.tables->cos, "cos");
    expect_holds(in.sin, layer.tables->sin, "sin");
    expect_holds(in.x, inputs.x, "x");
    expect_holds(in.y, std::get<Tensor>(inputs.y), "y");
    expect_holds(in.mask, std::get<FloatMask>(inputs.mask).values, "mask");
    expect_holds(in.k_cache, cache.k_cache, "k_cache");
    expect_holds(in.v_cache, cache.v_cache, "v_cache");
    EXPECT_EQ(static_cast<const std::int64_t*>(in.x_positions->data)[2], 9);
    EXPECT_EQ(shape_of(*in.y_positions), (Shape{2, 3}));
    EXPECT_EQ(shape_of(*in.output), (Shape{2, 3, 24}));
    ASSERT_EQ(in.num_weights, layer.weights.size());
    for (std::size_t i = 0; i < in.num_weights; ++i) {
      expect_holds(in.weights[i].tensor, layer.weights.at(in.weights[i].name), in.weights[i].name);
    }
    ASSERT_EQ(in.num_stages, 8U);  // all but the two of the cache and the output
    for (std::size_t i = 0; i < in.num_stages; ++i) {
      EXPECT_TRUE(stage_from_name(in.stages[i].name)) << in.stages[i].name;
      EXPECT_NE(in.stages[i].tensor, nullptr);
      EXPECT_EQ(in.stages[i].given, 0);
    }
  });
}

TEST(call_fields, that_are_absent_are_null_and_y_may_be_x_itself) {
  expect_call<attest_layer>(causal_layer_call().call, [](const attest_layer& in) {
    EXPECT_EQ(in.is_causal, 1);
    EXPECT_EQ(in.pairing, ATTEST_NO_ROTARY);
    EXPECT_EQ(in.has_norm, 0);
    EXPECT_EQ(in.cache_filled, 0);
    EXPECT_EQ(in.y, in.x);
    for (const auto* none : {in.cos, in.sin, in.mask, in.x_positions, in.y_positions}) EXPECT_EQ(none, nullptr);
    EXPECT_EQ(in.k_cache, nullptr);
    EXPECT_EQ(in.v_cache, nullptr);
  });
}

// --- what the list holds ---------------------------------------------------------------------------------------------

struct Anything {
  template <class T>
  operator T() const;
};

/// How many members an aggregate has.
template <class Struct, class... Some>
constexpr std::size_t members() {
  if constexpr (requires { Struct{Some()..., Anything()}; }) {
    return members<Struct, Some..., Anything>();
  } else {
    return sizeof...(Some);
  }
}

template <class Arguments>
void expect_all_listed() {
  std::size_t listed = 1;  // struct_size
  std::set<std::string> names;
  std::set<const void*> places;
  Arguments arguments{};
  visit_fields(arguments, [&]<class... Behind>(const char* name, auto& member, const Behind&...) {
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(places.insert(&member).second) << name;
    listed += 1 + (0 + ... + std::size_t{std::is_same_v<Behind, size_t>});
  });
  EXPECT_EQ(listed, members<Arguments>());
}

TEST(call_fields, are_all_listed) {
  expect_all_listed<attest_linear>();
  expect_all_listed<attest_rotary>();
  expect_all_listed<attest_norm>();
  expect_all_listed<attest_attention>();
  expect_all_listed<attest_layer>();
  EXPECT_THROW(name_of(&attest_norm::struct_size), std::logic_error);
}

}  // namespace
}  // namespace attest::harness
