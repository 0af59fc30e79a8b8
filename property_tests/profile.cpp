#include "harness/profile/profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "fixtures/error.h"
#include "harness/machine/process_resources.h"
#include "harness/profile/judge_work.h"
#include "harness/profile/named_layer.h"
#include "harness/profile/peak_movement.h"
#include "harness/profile/rank_test.h"
#include "harness/profile/sampled_rows.h"
#include "harness/report/profile_report.h"

/// What is counted, what follows from it, and what is judged. No test looks at how long anything took.
namespace attest::property_tests {
namespace {

using namespace attest::harness;

WorkCounts counts(const char* layer, const char* work) {
  const WorkItem item = work_items_from_text(work).front();
  return count_work(named_config(layer), item);
}

// --- work items ----------------------------------------------------------------------------------------------------

TEST(profile, work_items_read_as_they_are_written) {
  const std::string text = "prefill:512,decode:32768,packed:8x512,cached:512/32768,cross:512/1601,attention:4096";
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
  for (const char* text : {"", "prefill", "prefill:", "prefill:0", "prefill:-1", "prefill:1.5", "prefill:12x",
                           "train:5", "prefill:512,", "packed:8", "packed:8x", "packed:1048576x2", "cross:5",
                           "cached:512", "cached:9/8", "prefill:99999999999999999999"}) {
    EXPECT_THROW(work_items_from_text(text), InputError) << text;
  }
}

// --- counts, by hand -----------------------------------------------------------------------------------------------

TEST(profile, a_prefill_of_the_8b_layer_is_counted_exactly) {
  const WorkCounts found = counts("llama3_1_8b", "prefill:512");
  EXPECT_EQ(found.input_projections.flops, 2LL * 512 * 4096 * 6144);
  EXPECT_EQ(found.output_projection.flops, 2LL * 512 * 4096 * 4096);
  EXPECT_EQ(found.attention_flops(), 4LL * 32 * 128 * (512 * 513 / 2));
  EXPECT_EQ(found.flops(), 45'101'350'912LL);
  EXPECT_EQ(found.bytes, 167'772'160LL + 2LL * 512 * 4096 * 4);
}

TEST(profile, a_decode_reads_the_weights_and_the_filled_cache_once) {
  const WorkCounts found = counts("llama3_1_8b", "decode:32768");
  EXPECT_EQ(found.attention_flops(), 4LL * 32 * 128 * 32768);
  EXPECT_EQ(found.bytes, 167'772'160LL + 268'435'456LL + 2 * 4096 * 4);
}

TEST(profile, packed_documents_do_not_see_each_other_and_an_empty_cache_costs_nothing) {
  EXPECT_EQ(counts("llama3_2_1b", "packed:8x512").attention_flops(),
            8 * counts("llama3_2_1b", "prefill:512").attention_flops());
  EXPECT_EQ(counts("llama3_2_1b", "blocks:8x512").flops(), counts("llama3_2_1b", "packed:8x512").flops());
  EXPECT_EQ(counts("llama3_2_1b", "cached:512/32768").flops(), counts("llama3_2_1b", "prefill:512").flops());
}

TEST(profile, cross_attention_projects_each_sequence_once_and_sees_all_of_the_other) {
  const WorkCounts found = counts("tiny", "cross:5/9");
  EXPECT_EQ(found.input_projections.flops, 2LL * 64 * (5 * 64 + 9 * 2 * 32));
  EXPECT_EQ(found.scores.flops, 2LL * 4 * 16 * 5 * 9);
  EXPECT_EQ(found.bytes, 4LL * (64 * (64 + 2 * 32 + 64) + (5 + 9 + 5) * 64));
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
  const ProfileRequest request{
      .layer = profiled_layer("tiny"), .item = {}, .target = optimized::Target::scalar, .peers = {}};
  const WorkCounts by_arithmetic{{100, 0}, {25, 0}, {25, 0}, {50, 0}, 10},
      by_memory{{100, 0}, {25, 0}, {25, 0}, {50, 0}, 40};
  EXPECT_DOUBLE_EQ(summarise(request, by_arithmetic, {repetition(8, 4)}, Caches::warm).fraction, 0.5);
  EXPECT_DOUBLE_EQ(summarise(request, by_memory, {repetition(8, 1)}, Caches::cold).fraction, 0.5);
}

TEST(profile, a_peak_that_moves_within_an_item_or_between_two_is_noticed) {
  const ProfileRequest request{
      .layer = profiled_layer("tiny"), .item = {}, .target = optimized::Target::scalar, .peers = {}};
  const WorkCounts by_arithmetic{{100, 0}, {25, 0}, {25, 0}, {50, 0}, 10};
  const auto result_at = [&](const std::vector<double>& peaks) {
    std::vector<Repetition> repetitions;
    for (const double peak : peaks) {
      repetitions.push_back(repetition(8, 4));
      repetitions.back().fma = peak;
    }
    return summarise(request, by_arithmetic, repetitions, Caches::warm);
  };
  EXPECT_EQ(peak_movement(result_at({100}), {}), 0.0);
  EXPECT_LE(peak_movement(result_at({100, 105, 95, 100, 60, 100}), {}), kMostPeakMovement) << "one outlier";
  EXPECT_GT(peak_movement(result_at({100, 100, 100, 50, 50, 50}), {}), kMostPeakMovement);
  const auto slow = result_at({50, 50, 50, 50});
  EXPECT_EQ(peak_movement(slow, {}), 0.0);
  EXPECT_DOUBLE_EQ(peak_movement(slow, {result_at({96, 96})}), 0.92);
  auto two_threads = result_at({96, 96});
  two_threads.request.threads = 2;
  EXPECT_EQ(peak_movement(slow, {two_threads}), 0.0);
}

TEST(profile, an_invalid_item_is_never_the_measure_of_others) {
  const ProfileRequest request{
      .layer = profiled_layer("tiny"), .item = {}, .target = optimized::Target::scalar, .peers = {}};
  const WorkCounts counts{{100, 0}, {25, 0}, {25, 0}, {50, 0}, 10};
  std::vector<ProfileResult> results;
  for (const int threads : {1, 2, 4}) {
    results.push_back(summarise(request, counts, {repetition(8, 4.0 / threads)}, Caches::warm));
    results.back().request.threads = threads;
    results.back().status = threads == 1 ? Status::invalid : Status::passed;
  }
  const auto text = scaling_text(results);
  EXPECT_EQ(text.find("threads   1"), text.npos) << text;
  EXPECT_NE(text.find("2.00 times as fast  100.0 % of linear"), text.npos) << text;
  EXPECT_EQ(scaling_text({results[0], results[1]}), "");
}

TEST(profile, the_stages_are_those_of_the_middle_call_beside_their_roofs) {
  std::vector<TimedParts> calls(3);
  for (int i = 0; i < 3; ++i) {
    calls[i].call = 3.0 - i;
    calls[i].parts[optimized::Part::scores] = 1.5 - 0.5 * i;
    calls[i].parts[optimized::Part::softmax] = 0.5;
  }
  const WorkCounts counts{{0, 0}, {100, 50}, {0, 0}, {0, 0}, 0};
  const auto by_stream = breakdown_of(calls, counts, {.fma = 400.0, .stream = 100.0});
  ASSERT_EQ(by_stream.parts.size(), 2U);
  EXPECT_EQ(by_stream.call, 2.0);
  EXPECT_EQ(by_stream.sum(), 1.5);
  EXPECT_EQ(by_stream.parts[0].part, optimized::Part::scores);
  EXPECT_EQ(by_stream.parts[0].rate(), 100.0);
  EXPECT_EQ(by_stream.parts[0].roof, 200.0);
  EXPECT_FALSE(by_stream.parts[1].counts);
  EXPECT_EQ(breakdown_of(calls, counts, {.fma = 150.0, .stream = 100.0}).parts[0].roof, 150.0);
}

TEST(profile, the_reference_leaves_the_threads_as_they_were) {
  const int before = threads();
  set_threads(3);
  const Tensor x = generated_activations(kStreamOfX, {1, 9, 64}), weight = generated_activations(7, {64, 64});
  reference::linear_truth({x, weight});
  EXPECT_EQ(threads(), 3);
  set_threads(before);
}

TEST(profile, page_faults_are_counted_where_the_kernel_lets_us) {
  EventCounters counters;
  counters.start();
  constexpr std::size_t kPages = 64, kPage = 65536;
  const auto fresh = std::make_unique_for_overwrite<volatile char[]>(kPages * kPage);
  for (std::size_t page = 0; page < kPages; ++page) fresh[page * kPage] = 1;
  const auto counts = counters.stop();
  const auto faults = std::ranges::find(counts, "page_faults", &EventCount::event);
  if (faults == counts.end()) GTEST_SKIP() << "perf_event_open counts nothing here";
  EXPECT_GT(faults->count, 0U);
}

TEST(profile, above_the_measured_peak_is_invalid_and_a_wrong_output_is_failed) {
  EXPECT_EQ(status_of(true, 1.0), Status::passed);
  EXPECT_EQ(status_of(true, 1.001), Status::invalid);
  EXPECT_EQ(status_of(true, std::numeric_limits<double>::quiet_NaN()), Status::invalid);
  EXPECT_EQ(status_of(false, 0.5), Status::failed);
  EXPECT_EQ(status_of(false, 2.0), Status::failed);
}

// --- the judge of the timed output -----------------------------------------------------------------------------------

TEST(profile, samples_hold_the_first_and_the_last_token) {
  EXPECT_EQ(sampled_tokens(1), Tokens({0}));
  EXPECT_EQ(sampled_tokens(2), Tokens({0, 1}));
  EXPECT_EQ(sampled_tokens(512), Tokens({0, 170, 340, 511}));
}

/// One recorded call of the tiny layer, in which one stage's last element may be changed before it is judged.
WorkVerdict verdict_with_change(std::optional<Stage> changed, bool change_timed_output) {
  const LayerSpec layer = layer_for(profiled_layer("tiny"), work_items_from_text("prefill:9").front(), 16);
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
  const LayerSpec layer = layer_for(profiled_layer("tiny"), work_items_from_text("decode:24").front(), 24);
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

}  // namespace
}  // namespace attest::property_tests
