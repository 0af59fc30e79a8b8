#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "harness/judge/judge_error.h"
#include "harness/judge/judge_implementation.h"
#include "harness/lineup/implementations.h"
#include "harness/run/verify.h"
#include "harness/verdict/unwritten.h"

/// The judge against implementations that are wrong in ways that a weaker judge lets pass.
namespace attest::harness {
namespace {

/// The reference, with each answer passed through a function that spoils it.
class Spoiled : public Implementation {
 public:
  using Spoil = std::function<void(Tensor&)>;
  explicit Spoiled(Spoil spoil) : spoil_(std::move(spoil)), honest_(std::move(all_implementations().front())) {}

  Judged identity() const override { return {Party::library, "spoiled"}; }
  std::string gap(const LayerSpec&) const override { return ""; }
  Tensor linear(const LinearInputs& in) const override { return spoiled(honest_->linear(in)); }
  Tensor rotary(const RotaryInputs& in) const override { return spoiled(honest_->rotary(in)); }
  Tensor norm(const NormInputs& in) const override { return spoiled(honest_->norm(in)); }
  Tensor attention(const AttentionInputs& in) const override { return spoiled(honest_->attention(in)); }

  std::unique_ptr<LayerUnderTest> layer(const LayerSpec& layer) const override {
    class Layer final : public LayerUnderTest {
     public:
      Layer(std::unique_ptr<LayerUnderTest> honest, const Spoil& spoil) : honest_(std::move(honest)), spoil_(spoil) {}
      void reset_cache() override { honest_->reset_cache(); }
      void fill_cache(const Tensor& k, const Tensor& v) override { honest_->fill_cache(k, v); }
      Stages forward(const Inputs& inputs) override {
        Stages stages = honest_->forward(inputs);
        spoil_(stages.at(Stage::output));
        return stages;
      }

     private:
      std::unique_ptr<LayerUnderTest> honest_;
      const Spoil& spoil_;
    };
    return std::make_unique<Layer>(honest_->layer(layer), spoil_);
  }

 private:
  Tensor spoiled(Tensor tensor) const {
    spoil_(tensor);
    return tensor;
  }
  Spoil spoil_;
  std::unique_ptr<Implementation> honest_;
};

Case recorded_case() { return read_case(std::filesystem::path(ATTEST_FIXTURES) / "heads/grouped_query.h5"); }

std::vector<Result> judge(const Case& item, Spoiled::Spoil spoil) {
  return judge_implementation(with_truths(item), Spoiled(std::move(spoil)));
}

/// Every stage that was judged alone, and the output end to end, must have failed.
void expect_all_failed(const std::vector<Result>& results) {
  for (const auto& result : results) {
    if (result.mode == Mode::localised || result.stage == "output") {
      EXPECT_EQ(result.status, Status::failed) << result.stage << " " << name_of(result.mode);
    }
  }
}

TEST(judge, passes_the_reference_itself) {
  for (const auto& result : judge(recorded_case(), [](Tensor&) {})) {
    EXPECT_EQ(result.status, Status::passed) << result.stage << ": " << result.message;
  }
}

TEST(judge, fails_an_output_of_zeros) {
  expect_all_failed(judge(recorded_case(), [](Tensor& y) { std::ranges::fill(y.as<float>(), 0.0f); }));
}

TEST(judge, fails_one_element_that_was_never_written_and_says_so) {
  const auto results =
      judge(recorded_case(), [](Tensor& y) { y.as<float>().back() = unwritten_tensor({1}).as<float>()[0]; });
  expect_all_failed(results);
  EXPECT_EQ(results.front().message, "the element was never written");
}

TEST(judge, fails_the_opposite_sign) {
  expect_all_failed(judge(recorded_case(), [](Tensor& y) {
    for (float& value : y.as<float>()) value = -value;
  }));
}

TEST(judge, fails_two_swapped_elements_and_names_one) {
  const auto results = judge(recorded_case(), [](Tensor& y) { std::swap(y.as<float>()[3], y.as<float>()[4]); });
  expect_all_failed(results);
  const auto last = results.front().comparison.worst->index.back();
  EXPECT_TRUE(last == 3 || last == 4);
}

TEST(judge, fails_a_wrong_shape) {
  expect_all_failed(judge(recorded_case(), [](Tensor& y) { y = Tensor(DType::float32, {1, 1}); }));
}

TEST(judge, fails_an_implementation_that_changes_its_inputs) {
  Case item = recorded_case();
  const JudgedCase judged = with_truths(item);
  const auto results = judge_implementation(
      judged, Spoiled([&](Tensor&) { item.layer.weights.at("q_proj.weight").as<float>()[0] += 1e-6f; }));
  EXPECT_TRUE(std::ranges::any_of(
      results, [](const Result& result) { return result.stage == "inputs" && result.status == Status::failed; }));
}

TEST(judge, fails_an_implementation_that_throws) {
  expect_all_failed(judge(recorded_case(), [](Tensor&) { throw std::runtime_error("no memory"); }));
  expect_all_failed(judge(recorded_case(), [](Tensor&) { throw InputError("x", "something else", "this"); }));
}

/// Right at first; what it answers when it is asked for others is wrong.
class RightAtFirst final : public Spoiled {
 public:
  RightAtFirst() : Spoiled([this](Tensor& y) { y.as<float>()[0] += turned_ ? 1.0f : 0.0f; }) {}
  bool turn_to_other_answers() const override {
    turned_ = !turned_;
    return turned_;
  }

 private:
  mutable bool turned_ = false;
};

TEST(judge, fails_an_implementation_whose_other_answers_are_wrong) {
  const Case item = recorded_case();
  const auto results = judge_implementation(with_truths(item), RightAtFirst());
  expect_all_failed(results);
  EXPECT_EQ(results.size(), judge(item, [](Tensor&) {}).size());
}

// --- errors --------------------------------------------------------------------------------------------------------

Status verdict_on_error(const std::function<void()>& act) {
  const Case item = recorded_case();
  const JudgedCase judged = with_truths(item);
  const RaisedError recorded{RaisedError::Where::constructor, "ValueError",
                             "num_heads (4) must be divisible by num_kv_heads (3)", "num_heads"};
  return judge_error({judged, 0, Mode::error, {Party::library, "ours"}}, recorded, act).status;
}

TEST(judge, wants_the_same_error_with_the_same_numbers) {
  EXPECT_EQ(verdict_on_error([] { throw InputError("num_heads", "a multiple of num_kv_heads (3)", "4"); }),
            Status::passed);
  EXPECT_EQ(verdict_on_error([] { throw InputError("num_heads", "a multiple of num_kv_heads", "4"); }), Status::failed);
  EXPECT_EQ(verdict_on_error([] { throw InputError("embed_dim", "a multiple of 3", "4"); }), Status::failed);
  EXPECT_EQ(verdict_on_error([] { throw std::runtime_error("4 3"); }), Status::failed);
  EXPECT_EQ(verdict_on_error([] {}), Status::failed);
}

TEST(judge, compares_numbers_as_written_and_not_as_parts_of_others) {
  EXPECT_TRUE(missing_numbers("head (4) of 16", "got 16, then 4").empty());
  EXPECT_EQ(missing_numbers("head (4)", "got 14 and 4.5"), std::vector<std::string>{"4"});
  EXPECT_TRUE(missing_numbers("between 0.0 and 1.0", "from 0.0 to 1.0").empty());
}

// --- verdicts of cases ---------------------------------------------------------------------------------------------

Result result_of(const std::string& implementation, Status status) {
  Result result;
  result.judged = judged_from_label(implementation);
  result.status = status;
  return result;
}

TEST(verdict_of, only_a_pass_of_an_implementation_is_a_pass) {
  EXPECT_EQ(verdict_of({}), Status::vacuous);
  EXPECT_EQ(verdict_of({result_of("torchtune", Status::passed)}), Status::vacuous);
  EXPECT_EQ(verdict_of({result_of("reference", Status::passed)}), Status::passed);
  EXPECT_EQ(verdict_of({result_of("optimized", Status::skipped)}), Status::skipped);
  EXPECT_EQ(verdict_of({result_of("reference", Status::passed), result_of("optimized", Status::skipped)}),
            Status::passed);
  for (const Status bad : {Status::failed, Status::mistrusted, Status::vacuous, Status::untested}) {
    EXPECT_EQ(verdict_of({result_of("reference", Status::passed), result_of("optimized", bad)}), bad);
  }
}

}  // namespace
}  // namespace attest::harness
