#include "harness/isolation/call_fields.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "fixtures/error.h"
#include "harness/isolation/dlpack_tensor.h"
#include "harness/isolation/isolated_library.h"
#include "harness/isolation/library_calls.h"
#include "harness/isolation/worker_call.h"
#include "property_tests/sample_layer.h"

/// Every field of the C structs comes from the contract to a library; a name that is missing, or that no field takes,
/// ends the call.
namespace attest::harness {
namespace {

using property_tests::sample_tensor;

template <class Arguments>
std::function<void(const Arguments&, const attest_call&)> look;

template <class Arguments>
int32_t looked_at(const Arguments* in, attest_call* call) {
  look<Arguments>(*in, *call);
  return ATTEST_DONE;
}

attest_implementation looking_library() {
  attest_implementation library{};
  library.linear = looked_at<attest_linear>;
  library.rotary = looked_at<attest_rotary>;
  library.norm = looked_at<attest_norm>;
  library.attention = looked_at<attest_attention>;
  library.layer = looked_at<attest_layer>;
  return library;
}

/// As the harness sends it and its worker makes it, here in one process.
CallReply make(const LibraryCall& call) {
  CallArena arena(call, Placement::flush_end);
  arena.begin(Before::unwritten);
  const CallRequest request{call.function, 3, call.numbers, call.same, arena.buffers()};
  const CallRequest received = request_from_text(to_text(request));
  const GuardedBuffers buffers(arena.memory(), received.buffers);
  return make_call(looking_library(), received, buffers);
}

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

// --- the contract's inputs -------------------------------------------------------------------------------------------

const Tensor x = sample_tensor({2, 3, 6}, 1), weight = sample_tensor({5, 6}, 2), bias = sample_tensor({5}, 3);
const Tensor heads = sample_tensor({2, 3, 4, 8}, 4), scale = sample_tensor({8}, 5);
const Tensor q = sample_tensor({2, 4, 3, 8}, 6), k = sample_tensor({2, 2, 5, 8}, 7), v = sample_tensor({2, 2, 5, 8}, 8);
const Norm norm = RMSNorm{8, 0.25};
const PosEmbeddings rotary = Phi3RotaryPositionalEmbeddings{8, 16};
const Mask mask = FloatMask{sample_tensor({2, 3, 5}, 9)}, no_mask = NoMask{};
const RotaryTables tables{sample_tensor({4}, 10), sample_tensor({16, 4}, 11), sample_tensor({16, 4}, 12)};
const Tensor input_pos = property_tests::positions_from(7, 3);

/// Norms of two eps, a cache, and an own width of everything.
const LayerSpec layer = [] {
  LayerSpec made = property_tests::sample_layer(
      {.d = 24, .norm = true, .is_causal = false, .pos_embeddings = rotary, .kv_cache = KVCache{2, 7, true}});
  std::get<RMSNorm>(made.config.k_norm).eps = 0.5;
  return made;
}();
const LibraryCache cache{sample_tensor({2, 2, 7, 8}, 13), sample_tensor({2, 2, 7, 8}, 14), 3};
const Inputs inputs{sample_tensor({2, 3, 24}, 15), sample_tensor({2, 3, 24}, 16),
                    FloatMask{sample_tensor({2, 3, 7}, 17)}, input_pos};
const Inputs self_attention{inputs.x, SameAsX{}, NoMask{}, std::nullopt};

PreparedCall layer_call() { return prepared(layer, inputs, &cache); }
PreparedCall causal_layer_call() {
  static const LayerSpec causal = property_tests::sample_layer({.d = 24, .is_causal = true});
  return prepared(causal, self_attention, nullptr);
}

std::vector<PreparedCall> one_of_each() {
  std::vector<PreparedCall> calls;
  calls.push_back(prepared(LinearInputs{x, weight, &bias}));
  calls.push_back(prepared(RotaryInputs{heads, rotary, tables, &input_pos}));
  calls.push_back(prepared(NormInputs{heads, norm, scale}));
  calls.push_back(prepared(AttentionInputs{q, k, v, mask, false}));
  calls.push_back(layer_call());
  return calls;
}

// --- what reaches a library ------------------------------------------------------------------------------------------

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

template <class Arguments>
std::set<std::string> optional_fields(const std::string& function) {
  std::set<std::string> names;
  Arguments arguments{};
  visit_fields(arguments, [&]<class... Behind>(const char* name, auto&, const Behind&...) {
    if ((std::is_same_v<Behind, Optional> || ...)) names.insert(function + "." + name);
  });
  return names;
}

// --- what goes wrong -------------------------------------------------------------------------------------------------

/// The InputError that a call ends with; empty if it is made.
std::string complaint_about(const LibraryCall& call) {
  try {
    make(call);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

template <class Arguments>
void look_away() {
  look<Arguments> = [](const Arguments&, const attest_call&) {};
}

class wrong_call_fields : public testing::Test {
 protected:
  wrong_call_fields() {
    look_away<attest_linear>();
    look_away<attest_rotary>();
    look_away<attest_norm>();
    look_away<attest_attention>();
    look_away<attest_layer>();
  }
};

TEST_F(wrong_call_fields, a_required_one_that_is_missing_ends_the_call) {
  std::set<std::string> optional = optional_fields<attest_linear>("linear");
  optional.merge(optional_fields<attest_attention>("attention"));
  optional.merge(optional_fields<attest_layer>("layer"));
  std::size_t tried = 0;
  for (const PreparedCall& whole : one_of_each()) {
    ASSERT_EQ(complaint_about(whole.call), "");
    const auto expect = [&](const LibraryCall& damaged, const std::string& name) {
      const std::string field = damaged.function + "." + name;
      const bool may_be_absent = optional.contains(field) || name.find('/') != std::string::npos;
      EXPECT_EQ(complaint_about(damaged).empty(), may_be_absent) << field;
      ++tried;
    };
    for (std::size_t i = 0; i < whole.call.buffers.size(); ++i) {
      LibraryCall damaged = whole.call;
      damaged.buffers.erase(damaged.buffers.begin() + static_cast<std::ptrdiff_t>(i));
      expect(damaged, whole.call.buffers[i].name);
    }
    const auto each_number = [&]<class Kind>(const NumbersOf<Kind>& numbers) {
      for (const auto& [name, number] : numbers) {
        LibraryCall damaged = whole.call;
        std::get<NumbersOf<Kind>>(damaged.numbers).erase(name);
        expect(damaged, name);
      }
    };
    std::apply([&](const auto&... numbers) { (each_number(numbers), ...); }, whole.call.numbers);
  }
  EXPECT_GT(tried, 50U);
}

TEST_F(wrong_call_fields, a_name_that_no_field_takes_ends_the_call) {
  for (const PreparedCall& whole : one_of_each()) {
    LibraryCall number = whole.call, tensor = whole.call, same = whole.call;
    std::get<NumbersOf<std::int64_t>>(number.numbers)["dropout"] = 0;
    tensor.buffers.push_back({"biass", Access::write, DType::float32, {1}});
    same.same["z"] = "x";
    const std::string none = "a field of its struct";
    EXPECT_NE(complaint_about(number).find(none), std::string::npos) << whole.call.function;
    EXPECT_NE(complaint_about(tensor).find(none), std::string::npos) << whole.call.function;
    EXPECT_NE(complaint_about(same).find(none), std::string::npos) << whole.call.function;
  }
}

TEST_F(wrong_call_fields, one_that_is_the_same_as_none_ends_the_call) {
  LibraryCall call = causal_layer_call().call;
  call.same["y"] = "xx";
  EXPECT_NE(complaint_about(call).find("layer.y"), std::string::npos);
}

TEST_F(wrong_call_fields, a_number_of_another_kind_ends_the_call) {
  LibraryCall call = prepared(NormInputs{heads, norm, scale}).call;
  std::get<NumbersOf<double>>(call.numbers).clear();
  std::get<NumbersOf<std::int64_t>>(call.numbers)["eps"] = 1;
  EXPECT_NE(complaint_about(call).find("norm.eps"), std::string::npos);
}

TEST_F(wrong_call_fields, an_unknown_function_ends_the_call) {
  LibraryCall call = prepared(NormInputs{heads, norm, scale}).call;
  call.function = "normm";
  EXPECT_NE(complaint_about(call).find("normm"), std::string::npos);
}

TEST_F(wrong_call_fields, in_a_worker_are_a_failure_that_names_them) {
  IsolatedLibrary library(ATTEST_MISBEHAVING_KERNEL, "", {.command = ATTEST_COMMAND});
  LibraryCall call = prepared(AttentionInputs{q, k, v, no_mask, false}).call;
  std::get<NumbersOf<double>>(call.numbers)["dropout"] = 0.5;
  CallArena arena(call, Placement::flush_end);
  try {
    library.call(arena, 1, Before::unwritten);
    FAIL() << "answered";
  } catch (const NoAnswer& none) {
    EXPECT_EQ(none.verdict, Status::failed);
    EXPECT_STREQ(none.what(),
                 "could not be called: attention.dropout: expected a field of its struct, got no field of that name");
  }
}

}  // namespace
}  // namespace attest::harness
