#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "fixtures/layer_shapes.h"
#include "harness/judge/judge_implementation.h"
#include "harness/judge/judge_recorded.h"
#include "harness/lineup/implementations.h"
#include "harness/run/selection.h"
#include "harness/run/verify.h"
#include "property_tests/arbitrary_case.h"
#include "property_tests/hdf5_edit.h"
#include "property_tests/scratch_folder.h"

/// Cases of which only rows are recorded (fixtures/sampled_rows.h): read, written, refused and judged.
namespace attest::property_tests {
namespace {

using namespace harness;

const std::filesystem::path kFixtures = ATTEST_FIXTURES;

Case sampled_case(const std::string& name = "large/65_keys_whole_rows_hiding") {
  return read_case(kFixtures / (name + ".h5"));
}

/// What is wrong with the case once it is written and read again; "" if nothing is.
std::string refusal_of(const Case& item) {
  const ScratchFolder folder;
  write_case(item, folder / "case.h5");
  try {
    read_case(folder / "case.h5");
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(sampled_case, survives_being_written) {
  const ScratchFolder folder;
  const Case item = sampled_case();
  ASSERT_TRUE(item.steps[0].sampled);
  write_case(item, folder / "copy.h5");
  EXPECT_EQ(difference(item, read_case(folder / "copy.h5")), "");
}

TEST(sampled_case, a_version_that_nobody_knows_yet_and_rows_in_version_1_are_refused) {
  const ScratchFolder folder;
  const auto refusal = [&](std::int64_t version) -> std::string {
    std::filesystem::copy_file(kFixtures / "large/17_keys_leading_bool.h5", folder / "copy.h5",
                               std::filesystem::copy_options::overwrite_existing);
    Hdf5Edit(folder / "copy.h5").put_attribute("/", "schema_version", version);
    try {
      read_case(folder / "copy.h5");
      return "";
    } catch (const InputError& error) {
      return error.what();
    }
  };
  EXPECT_EQ(refusal(2), "");
  EXPECT_TRUE(holds(refusal(4), "4, which a newer attest reads")) << refusal(4);
  EXPECT_NE(refusal(1), "");
}

TEST(sampled_case, rows_must_ascend_and_lie_in_the_call) {
  Case item = sampled_case();
  auto& tokens = item.steps[0].sampled->tokens;
  std::swap(tokens[0], tokens[1]);
  EXPECT_TRUE(holds(refusal_of(item), "ascending")) << refusal_of(item);
  std::swap(tokens[0], tokens[1]);
  tokens.back().token = item.steps[0].inputs.x.dim(1);
  EXPECT_TRUE(holds(refusal_of(item), "samples and tokens")) << refusal_of(item);
}

TEST(sampled_case, a_case_is_sampled_in_all_its_steps_or_in_none) {
  Case item = sampled_case("large/far_below_decode");
  Step whole = item.steps.front();
  whole.sampled.reset();
  for (const auto& [stage, shape] : stage_shapes(item.layer.config, whole.inputs)) {
    whole.expected[stage] = Tensor(item.layer.config.dtype, shape);
    whole.truth[stage] = Tensor(DType::float64, shape);
  }
  item.steps.push_back(whole);
  EXPECT_TRUE(holds(refusal_of(item), "rows in every step or in none")) << refusal_of(item);
  item.steps.erase(item.steps.begin());
  EXPECT_EQ(refusal_of(item), "");
}

TEST(sampled_case, projections_must_select) {
  Case item = sampled_case();
  item.layer.weights.at("k_proj.weight").as<float>()[7] += 0.5f;
  EXPECT_TRUE(holds(refusal_of(item), "rows of zeros with a single 1")) << refusal_of(item);
}

TEST(sampled_case, whose_digest_is_not_torchtunes_is_not_judged) {
  Case item = sampled_case();
  EXPECT_NO_THROW(with_truths(item));
  item.steps[0].sampled->sha256.at(Stage::v_proj)[0] ^= 1;
  EXPECT_THROW(with_truths(item), InputError);
}

/// The last key of each head has another value in its last channel.
class WrongKey : public Implementation {
 public:
  WrongKey() : honest_(std::move(all_implementations().front())) {}
  Judged identity() const override { return {Party::library, "wrong key"}; }
  std::string gap(const LayerSpec&) const override { return ""; }
  Tensor linear(const LinearInputs& in) const override { return honest_->linear(in); }
  Tensor rotary(const RotaryInputs& in) const override { return honest_->rotary(in); }
  Tensor norm(const NormInputs& in) const override { return honest_->norm(in); }
  Tensor attention(const AttentionInputs& in) const override {
    Tensor v = in.v;
    const auto values = v.as<float>();
    const std::size_t of_head = static_cast<std::size_t>(in.v.dim(2) * in.v.dim(3));
    for (std::size_t head = 0; head < values.size(); head += of_head) values[head + of_head - 1] += 1000.0f;
    return honest_->attention({in.q, in.k, v, in.mask, in.is_causal});
  }
  std::unique_ptr<LayerUnderTest> layer(const LayerSpec& layer) const override { return honest_->layer(layer); }

 private:
  std::unique_ptr<Implementation> honest_;
};

TEST(sampled_case, a_wrong_attention_fails_alone_and_the_rest_passes) {
  const Case item = sampled_case("large/77_keys_far_above");
  const JudgedCase judged = with_truths(item);
  int failed = 0;
  for (const auto& result : judge_implementation(judged, WrongKey())) {
    const bool wrong = result.stage == "attention" && result.mode == Mode::localised;
    EXPECT_EQ(result.status, wrong ? Status::failed : Status::passed) << result.stage << " " << result.message;
    failed += wrong ? 1 : 0;
  }
  EXPECT_EQ(failed, 1);
}

TEST(sampled_case, a_row_of_torchtunes_changed_by_ten_budgets_is_found) {
  Case item = sampled_case();
  const JudgedCase judged = with_truths(item);
  const auto& truth = judged.steps[0].localised.at(Stage::attention);
  const double change = 10 * truth.budget.as<double>()[3];
  item.steps[0].expected.at(Stage::attention).as<float>()[3] += static_cast<float>(change);
  const auto results = judge_torchtune(with_truths(item));
  for (const Mode mode : {Mode::localised, Mode::end_to_end}) {
    EXPECT_TRUE(std::ranges::any_of(results, [&](const Result& result) {
      return result.status == Status::failed && result.stage == "attention" && result.mode == mode &&
             result.comparison.worst && result.comparison.worst->index == Shape{0, 0, 3};
    }));
  }
}

TEST(sampled_case, a_run_of_everything_leaves_out_the_larger_ones) {
  const auto all = all_cases(kFixtures), taken = without_larger(all);
  EXPECT_LT(taken.size(), all.size());
  for (const auto& file : taken) EXPECT_NE(file.parent_path().filename(), kLargerGroup);
}

}  // namespace
}  // namespace attest::property_tests
