#include "harness/laws.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "harness/draw_line.h"
#include "property_tests/any_draw.h"

/// Every law, for the reference and the optimized code on every target that this machine can run.
namespace attest::property_tests {
namespace {

using namespace harness;

struct Subject {
  const Law* law;
  std::shared_ptr<const Implementation> implementation;
};

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  for (auto& one : all_implementations()) {
    const std::shared_ptr<const Implementation> implementation = std::move(one);
    for (const Law& law : laws()) all.push_back({&law, implementation});
  }
  return all;
}

class laws_of_attention : public testing::TestWithParam<Subject> {};

TEST_P(laws_of_attention, holds) {
  const auto& [law, implementation] = GetParam();
  long checked = 0;
  EXPECT_TRUE(rc::check(std::string(law->sentence), [&] {
    CaseDraw draw = law->fit(*any_draw());
    if (!implementation->gap(drawn_case(draw).layer).empty()) draw.dtype = DType::float32;
    const LawVerdict verdict = law->check(*implementation, draw);
    if (verdict.status == Status::passed) ++checked;
    if (verdict.status == Status::failed) RC_FAIL(to_line(draw) + ": " + verdict.message);
  }));
  EXPECT_GT(checked, 0);
}

INSTANTIATE_TEST_SUITE_P(all, laws_of_attention, testing::ValuesIn(subjects()), [](const auto& info) {
  const auto& implementation = *info.param.implementation;
  const std::string target = implementation.target().empty() ? implementation.name() : implementation.target();
  return std::string(info.param.law->name) + "_" + target;
});

}  // namespace
}  // namespace attest::property_tests
