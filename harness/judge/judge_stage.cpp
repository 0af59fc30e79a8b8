#include "harness/judge/judge_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fixtures/error.h"
#include "harness/judge/peer.h"
#include "harness/judge/sensitivity.h"

namespace attest::harness {
namespace {

bool is_cache(Stage stage) { return stage == Stage::k_cache || stage == Stage::v_cache; }

/// A constant truth proves nothing, except where being constant is what the case asks: a cache that nothing has filled,
/// an attention that may see no key at all or reads an empty cache, or a family of identical terms.
bool constant_is_the_point(const Question& question, Stage stage) {
  const Inputs& inputs = question.in.item.steps[question.step].inputs;
  const bool may_see_nothing =
      !std::holds_alternative<NoMask>(inputs.mask) || std::holds_alternative<AbsentY>(inputs.y);
  const bool after_mask = stage == Stage::attention || stage == Stage::output;
  return is_cache(stage) || (may_see_nothing && after_mask) || question.in.family.structured_constant;
}

bool holds_nan(const Tensor& tensor) {
  return std::ranges::any_of(to_doubles(tensor), [](double value) { return std::isnan(value); });
}

/// NaN everywhere proves nothing either, except where a NaN was put into the weights: then T0 asks for exactly that.
bool nan_is_the_point(const Case& item) {
  return std::ranges::any_of(item.layer.weights, [](const auto& weight) { return holds_nan(weight.second); });
}

/// No element was judged, and none is wrong: every row was left out, or every element is NaN on both sides.
void set_verdict_of_nothing(Result& result, const Case& item) {
  if (result.comparison.ill_conditioned_rows > 0) {
    result.status = Status::skipped;
    result.message = result.mode == Mode::localised ? "every row is ill-conditioned with scores of 16 bits"
                                                    : "every row is ill-conditioned end to end";
  } else {
    result.status = nan_is_the_point(item) ? Status::passed : Status::vacuous;
    result.message = "the truth is NaN everywhere";
  }
}

std::string explain_rejection(const Comparison& comparison) {
  if (!comparison.problem.empty()) return comparison.problem;
  if (comparison.never_written) return "the element was never written";
  return fmt::format("{} of {} elements outside the error budget", comparison.outside, comparison.judged);
}

/// Sets the verdict on a comparison that passed.
void set_verdict_of_accepted(Result& result, const Question& question, Stage stage) {
  const Comparison& comparison = result.comparison;
  const Sensitivity* sensitivity = result.sensitivity ? &*result.sensitivity : nullptr;
  const bool constant = comparison.constant_truth, on_purpose = constant && constant_is_the_point(question, stage);
  result.status = Status::passed;
  if (constant && !on_purpose) {
    result.status = Status::vacuous;
    result.message = "the truth is constant";
  } else if (!on_purpose || sensitivity != nullptr) {
    result.message = why_mistrusted(comparison, sensitivity);
    if (!result.message.empty()) result.status = Status::mistrusted;
  }
}

void set_verdict(Result& result, const Question& question, Stage stage) {
  const Comparison& comparison = result.comparison;
  const bool may_be_marginal = question.in.family.structured_constant && result.mode != Mode::exact;
  if (comparison.problem.empty() && comparison.judged == 0) {
    set_verdict_of_nothing(result, question.in.item);
  } else if (comparison.within || (may_be_marginal && comparison.within_worst_case)) {
    set_verdict_of_accepted(result, question, stage);
    result.marginal = !comparison.within;
  } else {
    result.status = Status::failed;
    result.message = explain_rejection(comparison);
    const auto& sampled = question.in.item.steps[question.step].sampled;
    if (sampled && comparison.worst && !comparison.worst->index.empty()) {
      const auto& [sample, token] = sampled->tokens[static_cast<std::size_t>(comparison.worst->index.front())];
      result.message += fmt::format(", the worst in sample {}, token {}", sample, token);
    }
  }
}

Result judge_comparison(const Question& question, Stage stage, Comparison comparison) {
  Result result = question.about(name_of(stage));
  result.comparison = std::move(comparison);
  if (stage == Stage::attention && question.mode == Mode::localised) {
    result.sensitivity = question.in.steps[question.step].sensitivity;
  }
  set_verdict(result, question, stage);
  return result;
}

}  // namespace

Result Question::about(std::string_view what) const {
  Result result;
  result.case_name = in.item.name;
  result.step = static_cast<std::int64_t>(step);
  result.stage = what;
  result.mode = mode;
  result.judged = judged;
  return result;
}

Result judge_stage(const Question& question, Stage stage, const Tensor& got, const reference::StageTruth& truth) {
  const Case& item = question.in.item;
  Result result = judge_comparison(question, stage, compare(got, truth, item.layer.config.dtype));
  const Stages& torchtunes = item.steps[question.step].expected;
  const auto own = torchtunes.find(stage);
  if (own != torchtunes.end() && &own->second != &got) result.peer = peer_ratios(got, own->second, truth);
  return result;
}

Result judge_exactly(const Question& question, Stage stage, const Tensor& got, const Tensor& expected) {
  Result result = judge_comparison(question, stage, compare_exactly(got, expected));
  const Comparison& comparison = result.comparison;
  if (result.status == Status::failed && comparison.outside > 0) {
    result.message = fmt::format("{} of {} elements are not bit-equal", comparison.outside, comparison.judged);
  }
  // Bit-equality needs no power of its own: a budget of zero rejects everything else.
  if (result.status == Status::mistrusted) {
    result.status = Status::passed;
    result.message.clear();
  }
  return result;
}

Result failed(const Question& question, std::string_view what, const std::string& message) {
  Result result = question.about(what);
  result.status = Status::failed;
  result.message = message;
  return result;
}

Result unanswered(const Question& question, std::string_view what, const NoAnswer& none) {
  Result result = question.about(what);
  result.status = none.verdict;
  result.gap = none.gap;
  result.message = none.what();
  return result;
}

std::vector<Result> guarded(const Result& about, const std::function<std::vector<Result>()>& judge) {
  const auto ended = [&](Status status, const std::string& message, Gap gap = Gap::none) {
    Result result = about;
    result.status = status;
    result.gap = gap;
    result.message = message;
    return std::vector<Result>{result};
  };
  try {
    return judge();
  } catch (const NoAnswer& none) {
    return ended(none.verdict, none.what(), none.gap);
  } catch (const InputError& error) {
    return ended(Status::failed, std::string("refused what torchtune accepts: ") + error.what());
  } catch (const std::exception& error) {
    return ended(Status::failed, std::string("raised an exception: ") + error.what());
  }
}

std::vector<Result> guarded(const Question& question, std::string_view what,
                            const std::function<std::vector<Result>()>& judge) {
  return guarded(question.about(what), judge);
}

}  // namespace attest::harness
