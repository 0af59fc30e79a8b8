#include "harness/laws/laws.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "harness/draw/draw_line.h"
#include "harness/lineup/implementations.h"
#include "harness/machine/process_resources.h"
#include "harness/search/replay_line.h"
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

std::string name_of_test(const testing::TestParamInfo<Subject>& subject) {
  const Implementation& implementation = *subject.param.implementation;
  const Judged judged = implementation.identity();
  const std::string who = judged.target().empty() ? judged.implementation() : judged.target();
  return std::string(subject.param.law->name) + "_" + who;
}

void PrintTo(const Subject& subject, std::ostream* out) {
  *out << subject.law->sentence << ", " << label_of(subject.implementation->identity());
}

class laws_hold : public testing::TestWithParam<Subject> {
 protected:
  laws_hold() { set_threads(1); }

  static void hold_on(const rc::Gen<CaseDraw>& draws) {
    const auto& [law, implementation] = GetParam();
    long passed = 0;
    double largest_e = 0;
    EXPECT_TRUE(rc::check(std::string(law->sentence), [&, law = law, implementation = implementation] {
      const CaseDraw draw = supported(*implementation, law->fit(*draws));
      const Evidence evidence = try_law(*law, *implementation, draw);
      if (evidence.verdict.status == Status::failed)
        RC_FAIL(evidence.verdict.message + "\nreplay: " + to_line(evidence));
      if (evidence.verdict.status == Status::passed) ++passed;
      largest_e = std::max(largest_e, evidence.verdict.e);
    }));
    fmt::print("{} passed, largest e {:.3g}\n", passed, largest_e);
    EXPECT_GT(passed, 0);
  }
};

TEST_P(laws_hold, on_drawn_cases) { hold_on(any_draw()); }

/// The laws that speak about an attention by itself, on one of many keys, samples and heads.
TEST_P(laws_hold, on_attentions_alone) {
  CaseDraw alone;
  alone.alone = true;
  if (!GetParam().law->fit(alone).alone) GTEST_SKIP() << "the law speaks about calls of a layer";
  hold_on(any_attention());
}

/// Draws that are always tried: what once failed, and sizes that a random draw seldom has.
struct KnownDraw {
  const char* law;
  const char* line;
};
constexpr KnownDraw kKnownDraws[] = {
    // 241 empty slots of score 0: equal terms of the row's sum, whose errors do not cancel
    {"truth", "seed=723404707 s_x=257 q_per_kv=2 h_d=15 d_per_head=2 keys=cache chunk=17"},
    // a bfloat16 result that its input's error carries across a power of two, where ulps double
    {"truth", "seed=482870052 s_x=255 q_per_kv=3 h_d=6 d_per_head=7 norm=yes bias=yes dtype=bfloat16"},
    // more keys than one cut through them, for few tokens and for many
    {"thread_count", "b=2 s_x=1 s_y=2300 q_per_kv=2 h_d=8 d_per_head=8 keys=cross"},
    {"thread_count", "b=2 s_x=20 s_y=2300 q_per_kv=2 h_d=8 d_per_head=8 keys=cross mask=boolean"},
    {"thread_count", "s_x=150 n_kv=2 q_per_kv=2 h_d=32 d_per_head=32 mask=causal rotary=interleaved bias=yes"},
    {"batch_independence", "b=3 s_x=70 n_kv=2 q_per_kv=2 h_d=16 d_per_head=12 mask=causal rotary=phi3"},
    {"all_true_mask", "b=2 s_x=290 n_kv=2 q_per_kv=2 h_d=16 d_per_head=8"},
    {"lower_triangle", "b=2 s_x=290 n_kv=2 q_per_kv=2 h_d=16 d_per_head=8 mask=causal"},
};

INSTANTIATE_TEST_SUITE_P(all, laws_hold, testing::ValuesIn(subjects()), name_of_test);

class known_draws : public laws_hold {};

TEST_P(known_draws, pass) {
  const auto& [law, implementation] = GetParam();
  int tried = 0;
  for (const auto& [name, line] : kKnownDraws) {
    if (law->name != name) continue;
    const Evidence evidence = try_law(*law, *implementation, supported(*implementation, draw_from_line(line)));
    EXPECT_EQ(evidence.verdict.status, Status::passed) << evidence.verdict.message << "\n" << to_line(evidence);
    ++tried;
  }
  EXPECT_GT(tried, 0);
}

/// Of the laws that a known draw names.
std::vector<Subject> subjects_of_known_draws() {
  auto all = subjects();
  std::erase_if(all, [](const Subject& subject) {
    return std::ranges::none_of(kKnownDraws, [&](const KnownDraw& draw) { return subject.law->name == draw.law; });
  });
  return all;
}

INSTANTIATE_TEST_SUITE_P(all, known_draws, testing::ValuesIn(subjects_of_known_draws()), name_of_test);

TEST(laws, every_known_draw_names_a_law) {
  for (const auto& draw : kKnownDraws) EXPECT_NO_THROW(law_from_name(draw.law));
}

}  // namespace
}  // namespace attest::property_tests
