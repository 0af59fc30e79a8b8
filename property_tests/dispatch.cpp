#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "fixtures/error.h"
#include "optimized/kernel_tables.h"
#include "optimized/target.h"

/// The choice of a target: names, ATTEST_TARGET, and that every target has kernels of its own.
namespace attest::optimized {
namespace {

/// Sets ATTEST_TARGET for one test.
class dispatch : public testing::Test {
 protected:
  void choose(const char* name) { setenv("ATTEST_TARGET", name, 1); }
  void SetUp() override {
    if (const char* value = std::getenv("ATTEST_TARGET")) before_ = value;
  }
  void TearDown() override {
    if (before_.empty()) {
      unsetenv("ATTEST_TARGET");
    } else {
      setenv("ATTEST_TARGET", before_.c_str(), 1);
    }
  }

 private:
  std::string before_;
};

std::string message_of(const std::string& name) {
  try {
    target_from_name(name);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST_F(dispatch, cmake_and_the_code_list_the_same_targets) {
  std::vector<std::string> compiled, listed;
  for (const auto& status : targets()) compiled.emplace_back(name_of(status.target));
  std::istringstream list(ATTEST_TARGETS_OF_CMAKE);
  for (std::string name; std::getline(list, name, ',');) listed.push_back(name);
  EXPECT_EQ(compiled, listed);
}

TEST_F(dispatch, scalar_is_usable_everywhere_and_every_status_has_a_reason) {
  const auto all = targets();
  EXPECT_EQ(all.front().target, Target::scalar);
  EXPECT_TRUE(all.front().usable);
  for (const auto& status : all) EXPECT_FALSE(status.reason.empty());
}

TEST_F(dispatch, a_misspelt_name_is_refused_and_the_valid_ones_are_listed) {
  for (const std::string name : {"avx1024", "", "AVX2", "avx2 ", "scalar,avx2"}) {
    const std::string message = message_of(name);
    for (const auto& status : targets()) {
      EXPECT_NE(message.find(name_of(status.target)), std::string::npos) << "'" << name << "': " << message;
    }
  }
}

TEST_F(dispatch, a_target_that_is_not_usable_is_an_error_with_its_reason) {
  for (const auto& status : targets()) {
    const std::string message = message_of(std::string(name_of(status.target)));
    EXPECT_EQ(message.empty(), status.usable);
    if (status.usable) continue;
    EXPECT_NE(message.find(status.reason), std::string::npos);
    EXPECT_THROW(kernels_of(status.target), InputError);
  }
}

/// What a machine without AVX2 does, on any machine.
TEST_F(dispatch, a_hidden_feature_makes_its_targets_unusable_and_no_other) {
  const auto before = targets();
  setenv("ATTEST_HIDE_CPU_FEATURES", "FMA;AVX-512DQ", 1);
  const auto hidden = targets();
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    EXPECT_EQ(hidden[i].usable, hidden[i].target == Target::scalar) << hidden[i].reason;
  }
  EXPECT_EQ(choose_target(), Target::scalar);
  setenv("ATTEST_HIDE_CPU_FEATURES", "FMA2", 1);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(targets()[i].usable, before[i].usable);
  unsetenv("ATTEST_HIDE_CPU_FEATURES");
}

TEST_F(dispatch, the_environment_chooses_and_is_never_overruled) {
  for (const auto& status : targets()) {
    if (!status.usable) continue;
    choose(std::string(name_of(status.target)).c_str());
    EXPECT_EQ(choose_target(), status.target);
  }
  choose("avx1024");
  try {
    choose_target();
    FAIL() << "avx1024 was accepted";
  } catch (const InputError& error) {
    EXPECT_EQ(error.field, "ATTEST_TARGET");
  }
  choose("");
  EXPECT_THROW(choose_target(), InputError);
}

TEST_F(dispatch, without_the_environment_the_fastest_usable_target_is_chosen) {
  unsetenv("ATTEST_TARGET");
  Target fastest = Target::scalar;
  for (const auto& status : targets()) {
    if (status.usable) fastest = status.target;
  }
  EXPECT_EQ(choose_target(), fastest);
}

TEST_F(dispatch, every_usable_target_dispatches_to_kernels_of_its_own) {
  std::set<const KernelTable*> tables;
  std::set<decltype(KernelTable::attend)> functions;
  // A kernel file that includes another target's vector header would go unnoticed otherwise.
  const std::map<std::string_view, std::size_t> widths = {{"scalar", 4}, {"avx2", 8}, {"avx512", 16}};
  std::size_t usable = 0;
  for (const auto& status : targets()) {
    if (!status.usable) continue;
    ++usable;
    const KernelTable& kernels = kernels_of(status.target);
    tables.insert(&kernels);
    functions.insert(kernels.attend);
    ASSERT_TRUE(widths.contains(name_of(status.target))) << name_of(status.target) << " is missing in this test";
    EXPECT_EQ(kernels.vector_width, widths.at(name_of(status.target)));
  }
  EXPECT_EQ(tables.size(), usable);
  EXPECT_EQ(functions.size(), usable);
}

/// A continuous-integration machine may say which targets it has, so that a skipped one is noticed.
TEST_F(dispatch, the_required_targets_are_usable) {
  const char* required = std::getenv("ATTEST_REQUIRE_TARGETS");
  if (required == nullptr) GTEST_SKIP() << "ATTEST_REQUIRE_TARGETS is not set";
  std::istringstream list(required);
  for (std::string name; std::getline(list, name, ';');) EXPECT_EQ(message_of(name), "");
}

}  // namespace
}  // namespace attest::optimized
