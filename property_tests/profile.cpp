#include "harness/profile/profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "fixtures/error.h"
#include "harness/profile/judge_work.h"
#include "harness/profile/named_layer.h"
#include "harness/profile/rank_test.h"
#include "harness/profile/sampled_rows.h"
#include "property_tests/json_schema.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// `attest profile`: what is counted, what follows from it, and what is judged. No test looks at how long anything
/// took.
namespace attest::property_tests {
namespace {

using namespace attest::harness;

WorkCounts counts(const char* layer, const char* work) {
  const WorkItem item = work_items_from_text(work).front();
  return count_work(named_config(layer, item.batch, item.slots), item);
}

CommandOutcome profile(std::vector<std::string> arguments, const std::map<std::string, std::string>& environment = {}) {
  arguments.insert(arguments.begin(), {ATTEST_COMMAND, "profile"});
  return run_command(arguments, environment);
}

void expect_refusal(const CommandOutcome& outcome, const std::string& mention) {
  EXPECT_EQ(outcome.exit_code, 2) << outcome.out << outcome.err;
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  EXPECT_NE(outcome.err.find(mention), std::string::npos) << outcome.err;
}

// --- work items ----------------------------------------------------------------------------------------------------

TEST(profile, work_items_read_as_they_are_written) {
  const std::string text = "prefill:512,decode:32768,packed:8x512,cached:512/32768,attention:4096";
  std::string again;
  for (const auto& item : work_items_from_text(text)) again += (again.empty() ? "" : ",") + to_text(item);
  EXPECT_EQ(again, text);
}

TEST(profile, a_work_item_knows_its_tokens) {
  const auto items = work_items_from_text("packed:8x512,decode:100,cached:7/9");
  EXPECT_EQ(new_tokens(items[0]), 4096);
  EXPECT_EQ(new_tokens(items[1]), 1);
  EXPECT_EQ(filled_before(items[1]), 99);
  EXPECT_EQ(new_tokens(items[2]), 7);
  EXPECT_EQ(filled_before(items[2]), 0);
}

TEST(profile, what_is_no_work_item_is_refused) {
  for (const char* text :
       {"", "prefill", "prefill:", "prefill:0", "prefill:-1", "prefill:1.5", "prefill:12x", "train:5", "prefill:512,",
        "packed:8", "packed:8x", "packed:1048576x2", "cached:512", "cached:9/8", "prefill:99999999999999999999"}) {
    EXPECT_THROW(work_items_from_text(text), InputError) << text;
  }
}

// --- counts, by hand -----------------------------------------------------------------------------------------------

TEST(profile, a_prefill_of_the_8b_layer_is_counted_exactly) {
  const WorkCounts found = counts("llama3_1_8b", "prefill:512");
  EXPECT_EQ(found.input_projections.flops, 2LL * 512 * 4096 * 6144);
  EXPECT_EQ(found.output_projection.flops, 2LL * 512 * 4096 * 4096);
  EXPECT_EQ(found.attention.flops, 4LL * 32 * 128 * (512 * 513 / 2));
  EXPECT_EQ(found.flops(), 45'101'350'912LL);
  EXPECT_EQ(found.bytes, 167'772'160LL + 2LL * 512 * 4096 * 4);
}

TEST(profile, a_decode_reads_the_weights_and_the_filled_cache_once) {
  const WorkCounts found = counts("llama3_1_8b", "decode:32768");
  EXPECT_EQ(found.attention.flops, 4LL * 32 * 128 * 32768);
  EXPECT_EQ(found.bytes, 167'772'160LL + 268'435'456LL + 2 * 4096 * 4);
}

TEST(profile, packed_documents_do_not_see_each_other_and_an_empty_cache_costs_nothing) {
  EXPECT_EQ(counts("llama3_2_1b", "packed:8x512").attention.flops,
            8 * counts("llama3_2_1b", "prefill:512").attention.flops);
  EXPECT_EQ(counts("llama3_2_1b", "cached:512/32768").flops(), counts("llama3_2_1b", "prefill:512").flops());
}

TEST(profile, attention_alone_has_no_weights) {
  const WorkCounts found = counts("tiny", "attention:3");
  EXPECT_EQ(found.flops(), 4LL * 4 * 16 * 6);
  EXPECT_EQ(found.bytes, 4LL * 3 * 16 * (4 + 2 + 2 + 4));
}

// --- figures -------------------------------------------------------------------------------------------------------

TEST(profile, the_median_and_its_deviation_are_those_of_the_sorted_samples) {
  const Timing odd = timing_of({5, 1, 2}), even = timing_of({4, 1, 2, 10});
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.min, 1);
  EXPECT_EQ(odd.max, 5);
  EXPECT_EQ(odd.deviation, 1);
  EXPECT_EQ(even.median, 3);
  EXPECT_EQ(even.deviation, 1.5);
}

TEST(profile, the_median_lies_between_two_order_statistics_with_the_stated_confidence) {
  const Interval of_nine = median_interval({9, 8, 7, 6, 5, 4, 3, 2, 1});
  EXPECT_EQ(of_nine.low, 2);
  EXPECT_EQ(of_nine.high, 8);
  EXPECT_NEAR(of_nine.confidence, 1 - 2 * 10.0 / 512, 1e-12);
  const Interval of_three = median_interval({3, 1, 2});
  EXPECT_EQ(of_three.low, 1);
  EXPECT_EQ(of_three.high, 3);
  EXPECT_NEAR(of_three.confidence, 0.75, 1e-12);
}

TEST(profile, the_rank_test_has_the_exact_probabilities_of_small_samples) {
  EXPECT_NEAR(rank_test({1, 2, 3}, {4, 5, 6}).p, 2.0 / 20, 1e-12);
  EXPECT_NEAR(rank_test({4, 5, 6}, {1, 2, 3}).p, 2.0 / 20, 1e-12);
  EXPECT_NEAR(rank_test({1, 2, 4}, {3, 5, 6}).p, 4.0 / 20, 1e-12);
  EXPECT_EQ(rank_test({1, 1, 1}, {1, 1, 1}).p, 1.0);
  EXPECT_EQ(rank_test({1, 2, 3}, {4, 5, 6}).larger_share, 0.0);
  EXPECT_EQ(rank_test({2}, {2}).larger_share, 0.5);
  EXPECT_LT(rank_test({1, 2, 3, 4, 5, 6, 7, 8, 9}, {11, 12, 13, 14, 15, 16, 17, 18, 19}).p, kSignificance);
}

Repetition repetition(double cold, double warm) {
  Repetition once;
  once.cold = cold;
  once.warm = warm;
  once.fma = 100.0;
  once.stream = 10.0;
  return once;
}

TEST(profile, the_fraction_is_of_the_longer_limit_and_of_the_calls_that_it_limits) {
  const ProfileRequest request{.layer = "tiny", .item = {}, .target = optimized::Target::scalar, .peers = {}};
  const WorkCounts by_arithmetic{{100, 0}, {50, 0}, {50, 0}, 10}, by_memory{{100, 0}, {50, 0}, {50, 0}, 40};
  EXPECT_DOUBLE_EQ(summarise(request, by_arithmetic, {repetition(8, 4)}, false).fraction, 0.5);
  EXPECT_DOUBLE_EQ(summarise(request, by_memory, {repetition(8, 1)}, false).fraction, 0.5);
}

TEST(profile, above_the_measured_peak_is_invalid_and_a_wrong_output_is_failed) {
  EXPECT_EQ(status_of(true, 1.0), ProfileStatus::passed);
  EXPECT_EQ(status_of(true, 1.001), ProfileStatus::invalid);
  EXPECT_EQ(status_of(true, std::numeric_limits<double>::quiet_NaN()), ProfileStatus::invalid);
  EXPECT_EQ(status_of(false, 0.5), ProfileStatus::failed);
  EXPECT_EQ(status_of(false, 2.0), ProfileStatus::failed);
}

// --- the judge of the timed output -----------------------------------------------------------------------------------

TEST(profile, samples_hold_the_first_and_the_last_token) {
  EXPECT_EQ(sampled_tokens(1), Tokens({0}));
  EXPECT_EQ(sampled_tokens(2), Tokens({0, 1}));
  EXPECT_EQ(sampled_tokens(512), Tokens({0, 170, 340, 511}));
}

/// One recorded call of the tiny layer, in which one stage's last element may be changed before it is judged.
WorkVerdict verdict_with_change(std::optional<Stage> changed, bool change_timed_output) {
  const LayerSpec layer = generated_layer(named_config("tiny"), 16);
  const Inputs inputs{generated_activations(kStreamOfX, {1, 9, 64}), SameAsX{}, NoMask{}, {}};
  Tensor output(DType::float32, {1, 9, 64});
  Stages stages;
  optimized::MultiHeadAttention(layer, optimized::Target::scalar).forward(inputs, output, &stages);
  if (changed) stages.at(*changed).as<float>().back() += 0.01F;
  if (changed == Stage::output || change_timed_output) output.as<float>().front() += 0.01F;
  return judge_layer_work({layer, inputs, 0}, output, stages);
}

TEST(profile, a_right_output_passes_and_an_error_in_any_stage_fails) {
  EXPECT_TRUE(verdict_with_change({}, false).passed());
  EXPECT_FALSE(verdict_with_change({}, true).passed());
  for (const Stage stage :
       {Stage::q_proj, Stage::k_proj, Stage::v_proj, Stage::q_rope, Stage::k_rope, Stage::attention, Stage::output}) {
    EXPECT_FALSE(verdict_with_change(stage, false).passed()) << name_of(stage);
  }
}

TEST(profile, no_verdict_at_all_is_no_pass) { EXPECT_FALSE(WorkVerdict().passed()); }

TEST(profile, a_rewound_cache_repeats_the_call_bit_for_bit) {
  const LayerSpec layer = generated_layer(named_config("tiny", 1, 24), 24);
  optimized::MultiHeadAttention module(layer, optimized::Target::scalar);
  const Inputs first{generated_activations(1000, {1, 20, 64}), SameAsX{}, NoMask{}, {}};
  const Inputs second{generated_activations(1001, {1, 3, 64}), SameAsX{}, NoMask{}, {}};
  Tensor output(DType::float32, {1, 20, 64}), once(DType::float32, {1, 3, 64}), again(DType::float32, {1, 3, 64});
  module.forward(first, output);
  module.forward(second, once);
  module.rewind_cache(3);
  module.forward(second, again);
  EXPECT_TRUE(std::ranges::equal(once.bytes(), again.bytes()));
  EXPECT_THROW(module.rewind_cache(24), InputError);
  EXPECT_THROW(module.rewind_cache(-1), InputError);
}

// --- the command -----------------------------------------------------------------------------------------------------

TEST(profile, a_small_profile_verifies_its_output_and_its_stages_fit_into_the_call) {
  const ScratchFolder scratch;
  const auto file = scratch.path() / "profile.json";
  const auto outcome = profile({"--layer", "tiny", "--work", "prefill:16,cached:8/64,decode:64,packed:3x5,attention:33",
                                "--target", "all", "--repetitions", "3", "--report", "json=" + file.string()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const auto report = valid_report(file);
  EXPECT_EQ(report.at("schema"), "attest.profile");
  EXPECT_EQ(report.at("status"), "passed");
  EXPECT_EQ(report.at("items").size() % 5, 0U);
  for (const auto& item : report.at("items")) {
    EXPECT_EQ(item.at("verified").at("status"), "passed") << item;
    EXPECT_LE(item.at("verified").at("e"), 1.0) << item;
    EXPECT_EQ(item.at("warm").at("count"), 3) << item;
    if (item.at("work") == "attention:33") continue;
    const auto& stages = item.at("stages");
    EXPECT_GT(stages.at("sum"), 0.0) << item;
    EXPECT_LE(stages.at("sum"), stages.at("call")) << item;
  }
}

TEST(profile, a_profile_compares_with_an_earlier_one_of_the_same_machine_only) {
  const ScratchFolder scratch;
  const auto before = scratch.path() / "before.json", elsewhere = scratch.path() / "elsewhere.json";
  const std::vector<std::string> work = {"--layer", "tiny", "--work", "prefill:16", "--threads", "1,2"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), work.begin(), work.end());
    return profile(more);
  };
  ASSERT_EQ(with({"--report", "json=" + before.string()}).exit_code, 0);
  auto report = valid_report(before);
  report.at("environment").at("cpu") = "another one";
  for (auto& item : report.at("items")) item.at("samples").at("fraction") = std::vector<double>(9, 1e-9);
  std::ofstream(elsewhere) << report;

  const auto same = with({"--baseline", before.string(), "--report", "json=" + (scratch.path() / "now.json").string()});
  ASSERT_EQ(same.exit_code, 0) << same.err;
  const auto now = valid_report(scratch.path() / "now.json");
  ASSERT_EQ(now.at("items").size(), 2U);
  for (const auto& item : now.at("items")) EXPECT_EQ(item.at("baseline").at("scale"), "seconds");
  EXPECT_NE(same.out.find("% of linear"), std::string::npos) << same.out;

  expect_refusal(with({"--baseline", elsewhere.string()}), "another one");
  expect_refusal(with({"--baseline", (scratch.path() / "none.json").string()}), "cannot be read");
  const auto across = with({"--baseline", elsewhere.string(), "--across-machines"});
  EXPECT_NE(across.out.find("baseline  faster"), std::string::npos) << across.out;
}

TEST(profile, what_is_not_known_is_refused_with_one_sentence) {
  expect_refusal(profile({"--layer", "gpt5"}), "llama3_2_1b");
  expect_refusal(profile({"--work", "train:5"}), "prefill:TOKENS");
  expect_refusal(profile({"--target", "sse9"}), "scalar");
  expect_refusal(profile({"--peer", "jax"}), "torchtune");
  expect_refusal(profile({"--report", "html=x"}), "json=FILE");
}

TEST(profile, a_peer_without_its_python_is_refused_with_the_reason) {
  expect_refusal(profile({"--layer", "tiny", "--peer", "torchtune"}, {{"ATTEST_PYTHON", "/nowhere/python"}}),
                 "/nowhere/python");
  expect_refusal(profile({"--layer", "tiny", "--peer", "torchtune"}, {{"ATTEST_PYTHON", "/bin/true"}}), "ended early");
}

TEST(profile, each_peer_computes_the_same_output_on_every_kind_of_work) {
  if (std::getenv("ATTEST_PYTHON") == nullptr) GTEST_SKIP() << "ATTEST_PYTHON names no Python with torchtune";
  const ScratchFolder scratch;
  const auto file = scratch.path() / "profile.json";
  const auto outcome =
      profile({"--layer", "tiny", "--work", "prefill:16,cached:8/64,decode:64,packed:3x5,attention:33", "--repetitions",
               "1", "--peer", "torchtune", "--peer", "torch-best", "--report", "json=" + file.string()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  const auto report = valid_report(file);
  for (const auto& item : report.at("items")) {
    ASSERT_EQ(item.at("peers").size(), 2U) << item;
    for (const auto& peer : item.at("peers")) EXPECT_LT(peer.at("output_difference"), 1e-5) << item;
  }
}

}  // namespace
}  // namespace attest::property_tests
