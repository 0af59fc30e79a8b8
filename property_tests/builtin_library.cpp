#include <gtest/gtest.h>

#include <algorithm>

#include "fixtures/case_file.h"
#include "harness/isolation/library_implementation.h"
#include "harness/judge/judge_implementation.h"
#include "harness/lineup/implementations.h"
#include "harness/machine/process_resources.h"
#include "harness/verdict/recorded_stages.h"
#include "property_tests/golden_cases.h"

/// The built-in implementations, brought as a shared library like anybody's, answer with the bits that they answer with
/// here. There every tensor lies at the edge of an inaccessible page, so this also shows that no kernel leaves its own.
namespace attest::harness {
namespace {

std::unique_ptr<Implementation> library_with(const std::string& option) {
  return load_implementation(std::string(ATTEST_BUILTIN_LIBRARY) + "#" + option, {.command = ATTEST_COMMAND});
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.size() == b.size() && std::ranges::equal(a.bytes(), b.bytes());
}

/// Cases whose calls are small enough to be made in every placement.
bool is_small(const Case& item) {
  return std::ranges::all_of(item.layer.weights, [](const auto& weight) { return weight.second.size() < 1 << 16; });
}

std::size_t compare_stages(const Case& item, const Implementation& here, const Implementation& there) {
  std::size_t compared = 0;
  for (const Step& step : item.steps) {
    const RecordedStages recorded(item.layer, step);
    for (const auto& stage : recorded.stages()) {
      EXPECT_TRUE(same_bits(computed_by(here, stage), computed_by(there, stage)))
          << item.name << " " << name_of(stage.stage);
      ++compared;
    }
  }
  return compared;
}

std::size_t compare_calls(const Case& item, const Implementation& here, const Implementation& there) {
  std::size_t compared = 0;
  const auto mine = here.layer(item.layer), theirs = there.layer(item.layer);
  for (const Step& step : item.steps) {
    if (step.error) continue;
    if (step.reset_cache) {
      mine->reset_cache();
      theirs->reset_cache();
    }
    const Stages wanted = mine->forward(step.inputs), got = theirs->forward(step.inputs);
    EXPECT_EQ(wanted.size(), got.size()) << item.name;
    for (const auto& [stage, tensor] : wanted) {
      const auto found = got.find(stage);
      EXPECT_TRUE(found != got.end() && same_bits(tensor, found->second)) << item.name << " " << name_of(stage);
      ++compared;
    }
  }
  return compared;
}

/// One implementation in this process and behind the C interface.
struct Pair {
  std::unique_ptr<Implementation> here, there;
  std::size_t compared = 0;
};

TEST(builtin_library, answers_with_the_same_bits_as_in_this_process) {
  set_threads(1);
  std::vector<Pair> pairs;
  for (auto& here : all_implementations()) {
    auto there = library_with(label_of(here->identity()));
    pairs.push_back({std::move(here), std::move(there)});
  }
  std::size_t turn = 0;
  for (const auto& file : golden_files()) {
    const Case item = read_case(file);
    Pair& pair = pairs[turn++ % pairs.size()];  // all cases with all of them would take half a minute
    if (constructor_raises(item) || !is_small(item) || !pair.here->gap(item.layer).empty()) continue;
    pair.compared += compare_stages(item, *pair.here, *pair.there) + compare_calls(item, *pair.here, *pair.there);
  }
  for (const auto& pair : pairs) EXPECT_GT(pair.compared, 300u) << pair.there->identity().implementation();
}

TEST(builtin_library, says_what_it_does_not_compute) {
  const Case item = read_case(std::filesystem::path(ATTEST_FIXTURES) / "bfloat16/multi_head.h5");
  const auto there = library_with("optimized/scalar");
  const auto layer = there->layer(item.layer);
  try {
    layer->forward(item.steps.front().inputs);
    FAIL() << "computed a gap";
  } catch (const NoAnswer& none) {
    EXPECT_EQ(none.verdict, Status::skipped);
    EXPECT_STREQ(none.what(), "the optimized implementation has no bfloat16 kernels yet");
  }
}

}  // namespace
}  // namespace attest::harness
