#include "fixtures/family.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "fixtures/error.h"

namespace attest {
namespace {

TEST(family, every_name_is_unique_and_finds_itself) {
  std::set<std::string_view> names;
  for (const auto& family : families()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_EQ(&family_from_name(family.name), &family);
    EXPECT_FALSE(family.catches.empty());
  }
  EXPECT_EQ(names.size(), 20u);
}

TEST(family, only_exactly_representable_answers_are_demanded_bit_for_bit) {
  for (const auto& family : families()) {
    EXPECT_EQ(family.exact_attention, family.name == "one_hot" || family.name == "identical_keys") << family.name;
    EXPECT_EQ(family.structured_constant, family.name == "identical_keys") << family.name;
  }
}

TEST(family, an_unknown_name_is_refused_with_the_valid_ones) {
  try {
    family_from_name("rand");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_EQ(error.field, "family");
    EXPECT_NE(error.expected.find("cancelling_v"), std::string::npos);
    EXPECT_NE(error.actual.find("rand"), std::string::npos);
  }
}

}  // namespace
}  // namespace attest
