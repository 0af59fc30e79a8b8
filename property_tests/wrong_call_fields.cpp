#include <gtest/gtest.h>

#include <set>

#include "fixtures/error.h"
#include "harness/isolation/call_fields.h"
#include "harness/isolation/isolated_library.h"
#include "property_tests/made_call.h"

/// A name that is missing, or that no field takes, ends a call of a library.
namespace attest::harness {
namespace {

template <class Arguments>
std::set<std::string> optional_fields(const std::string& function) {
  std::set<std::string> names;
  Arguments arguments{};
  visit_fields(arguments, [&]<class... Behind>(const char* name, auto&, const Behind&...) {
    if ((std::is_same_v<Behind, Optional> || ...)) names.insert(function + "." + name);
  });
  return names;
}

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
