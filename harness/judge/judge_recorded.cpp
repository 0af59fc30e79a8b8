#include "harness/judge/judge_recorded.h"

#include <algorithm>
#include <cmath>

#include "fixtures/float_format.h"
#include "fixtures/floating_point.h"
#include "fixtures/layer_shapes.h"
#include "harness/judge/judge_stage.h"
#include "harness/verdict/tensor_parts.h"

namespace attest::harness {
namespace {

/// What the two truths may differ by beyond kTruthAgreement, as a share of a stage's budget.
/// In float32: two float64 results of the same formulas, each off by its budget times 2^-53 / 2^-24; that is what
/// cancellation and large logits cost. In 16 bits the budget is that of storing, which both truths do alike. It is at
/// least half the format's unit roundoff of the sizes of what is summed, of which a float64 sum loses up to 2^7 times
/// 2^-53 (c_D and c_S, error_budget.h). All of it, if a stage before it lay on a tie, say a third of three values,
/// which the two rounded to different neighbours.
double share_for_doubles(DType dtype, bool after_tie) {
  if (dtype == DType::float32) return 0x1p-28;
  return after_tie ? 1 : 0x1p-44 / format_of(dtype).unit_roundoff();
}

bool round_differently(const Tensor& ours, const Tensor& stored, DType dtype) {
  if (dtype == DType::float32 || ours.shape() != stored.shape()) return false;
  const auto a = ours.as<double>(), b = stored.as<double>();
  return !std::ranges::equal(a, b, [&](double one, double other) {
    const bool both_nan = std::isnan(one) && std::isnan(other);
    return both_nan || stored_in(dtype, one) == stored_in(dtype, other);
  });
}

/// A truth whose budget is kTruthAgreement of the largest finite magnitude in each row of the last axis, or what
/// this share of our budget if that is more.
reference::StageTruth as_relative_truth(const Tensor& stored, const reference::StageTruth& ours, double share) {
  Tensor budget(DType::float64, stored.shape());
  const auto values = stored.as<double>();
  const auto limits = budget.as<double>();
  const std::size_t length = static_cast<std::size_t>(stored.rank() == 0 ? 1 : stored.shape().back());
  for (std::size_t begin = 0; begin < values.size(); begin += length) {
    double largest = 0.0;
    for (const double value : values.subspan(begin, length)) {
      if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
    }
    std::ranges::fill(limits.subspan(begin, length), kTruthAgreement * largest);
  }
  if (ours.budget.shape() != stored.shape()) return {stored, budget, budget, Tensor()};
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const double allowed = share * ours.budget.as<double>()[i];
    if (allowed > limits[i] && std::isfinite(allowed)) limits[i] = allowed;
  }
  return {stored, budget, budget, Tensor()};
}

struct TwoTruths {
  const reference::StageTruth& ours;
  const Tensor& stored;
};

Result judge_one_truth(const Question& question, Stage stage, const TwoTruths& truths, bool after_tie) {
  const Tensor& ours = truths.ours.value;
  const double share = share_for_doubles(question.in.item.layer.config.dtype, after_tie);
  const auto wanted = as_relative_truth(truths.stored, truths.ours, share);
  Result result = question.about(name_of(stage));
  result.comparison = compare(ours, wanted, DType::float64);
  const Comparison& comparison = result.comparison;
  // NaN everywhere on both sides is agreement here: whether it proves anything is judged where the stage is.
  const bool agree = comparison.problem.empty() && comparison.outside == 0;
  result.status = agree ? Status::passed : Status::failed;
  if (!agree) result.message = comparison.problem.empty() ? "the two float64 truths disagree" : comparison.problem;
  return result;
}

/// `after_tie`: whether a stage before it lay on a tie; a cache takes that from step to step.
std::vector<Result> judge_truth_of_step(const Question& question, bool& after_tie) {
  const StepTruth& ours = question.in.steps[question.step];
  const Stages& stored = question.in.item.steps[question.step].truth;
  std::vector<Result> results;
  for (const auto& [stage, truth] : ours.end_to_end) {
    const auto found = stored.find(stage);
    if (found != stored.end()) {
      results.push_back(judge_one_truth(question, stage, {truth, found->second}, after_tie));
      after_tie = after_tie || round_differently(truth.value, found->second, question.in.item.layer.config.dtype);
    } else {
      results.push_back(question.about(name_of(stage)));
      results.back().message = "the case file stores no truth for this stage";
    }
  }
  return results;
}

/// Replays torchtune's cache: whole buffers, written slot by slot, never rounded or reordered.
class CacheReplay {
 public:
  explicit CacheReplay(Stage stage) : stage_(stage) {}

  void reset() {
    buffer_.reset();
    filled_ = 0;
  }

  /// Appends `entries` [b, n_kv, s, h_d] to a buffer of the recorded shape [b, n_kv, max_seq_len, h_d].
  void append(const Tensor* entries, const Shape& shape, DType dtype) {
    if (!buffer_) buffer_ = Tensor(dtype, shape);
    if (entries == nullptr) return;
    overwrite(*buffer_, 2, filled_, *entries);
    filled_ += entries->dim(2);
  }

  Stage stage() const { return stage_; }
  const Tensor& buffer() const { return *buffer_; }

 private:
  Stage stage_;
  std::optional<Tensor> buffer_;
  std::int64_t filled_ = 0;
};

void judge_cache_copies(const Question& question, CacheReplay& keys, CacheReplay& values,
                        std::vector<Result>& results) {
  const Case& item = question.in.item;
  const Step& step = item.steps[question.step];
  const RecordedStages& recorded = *question.in.steps[question.step].recorded;
  for (CacheReplay* replay : {&keys, &values}) {
    const auto found = step.expected.find(replay->stage());
    if (found == step.expected.end()) continue;
    const Tensor* entries = replay == &keys ? recorded.keys() : recorded.values();
    replay->append(entries, found->second.shape(), found->second.dtype());
    results.push_back(judge_exactly(question, replay->stage(), found->second, replay->buffer()));
  }
}

void judge_recorded_step(Question question, std::vector<Result>& results) {
  const StepTruth& truth = question.in.steps[question.step];
  const Stages& recorded = question.in.item.steps[question.step].expected;
  for (const auto& [stage, wanted] : truth.localised) {
    question.mode = Mode::localised;
    results.push_back(judge_stage(question, stage, recorded.at(stage), wanted));
    if (stage != Stage::attention || !question.in.family.exact_attention) continue;
    question.mode = Mode::exact;
    results.push_back(judge_exactly(question, stage, recorded.at(stage), wanted.value));
  }
  question.mode = Mode::end_to_end;
  for (const auto& [stage, wanted] : truth.end_to_end) {
    const auto found = recorded.find(stage);
    if (found != recorded.end()) {
      results.push_back(judge_stage(question, stage, found->second, wanted));
    } else {
      results.push_back(question.about(name_of(stage)));
      results.back().message = "the case file records no such stage";
    }
  }
}

}  // namespace

std::vector<Result> judge_stored_truth(const JudgedCase& judged) {
  std::vector<Result> results;
  bool after_tie = false;
  for (std::size_t i = 0; i < judged.steps.size(); ++i) {
    const Question question{judged, i, Mode::truth, {Party::truth}};
    for (auto& result : judge_truth_of_step(question, after_tie)) results.push_back(std::move(result));
  }
  return results;
}

std::vector<Result> judge_torchtune(const JudgedCase& judged) {
  std::vector<Result> results;
  CacheReplay keys(Stage::k_cache);
  CacheReplay values(Stage::v_cache);
  for (std::size_t i = 0; i < judged.steps.size(); ++i) {
    const Step& step = judged.item.steps[i];
    if (step.reset_cache) {
      keys.reset();
      values.reset();
    }
    if (step.error) continue;
    judge_recorded_step({judged, i, Mode::localised, {Party::torchtune}}, results);
    judge_cache_copies({judged, i, Mode::exact, {Party::torchtune}}, keys, values, results);
  }
  return results;
}

}  // namespace attest::harness
