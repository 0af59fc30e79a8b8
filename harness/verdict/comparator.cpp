#include "harness/verdict/comparator.h"

#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "fixtures/floating_point.h"
#include "harness/verdict/unwritten.h"
#include "reference/error_budget.h"

namespace attest::harness {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

enum class Class { finite, nan, plus_inf, minus_inf };

Class class_of(double value) {
  if (std::isnan(value)) return Class::nan;
  if (std::isinf(value)) return value > 0 ? Class::plus_inf : Class::minus_inf;
  return Class::finite;
}

std::string why_incomparable(const Tensor& got, const Tensor& truth, DType dtype) {
  if (got.shape() != truth.shape()) {
    return "wrong shape: expected " + to_string(truth.shape()) + ", got " + to_string(got.shape());
  }
  if (got.dtype() != dtype) {
    return "wrong dtype: expected " + std::string(name_of(dtype)) + ", got " + std::string(name_of(got.dtype()));
  }
  if (got.size() == 0) return "empty tensor: there is nothing to compare";
  return "";
}

/// One element's e: |y - y*| / B for matching finite values, 0 for a matching infinity, infinity otherwise.
double share_of_budget(double got, double truth, double budget, Class truth_class) {
  const Class got_class = class_of(got);
  if (got_class != truth_class) return kInfinity;
  if (truth_class != Class::finite) return 0.0;
  const double difference = std::fabs(got - truth);
  if (difference == 0.0) return 0.0;
  // The form of the test makes a NaN or infinite budget reject.
  const bool usable = budget > 0.0 && budget < kInfinity;
  return usable ? difference / budget : kInfinity;
}

/// Walks over the elements and keeps the worst one and the properties of the truth.
class Walk {
 public:
  explicit Walk(DType dtype) : dtype_(dtype) {}

  void take(std::int64_t index, double got, double truth, double budget, double worst_case) {
    const double stored_truth = stored_in(dtype_, truth);
    const Class truth_class = class_of(stored_truth);
    if (truth_class == Class::nan && std::isnan(got)) return;
    note_truth(stored_truth, budget, truth_class);
    const double e = share_of_budget(got, truth, budget, truth_class);
    const bool ok = e <= 1.0;
    if (!ok) ++found_.outside;
    if (!(share_of_budget(got, truth, worst_case, truth_class) <= 1.0)) ++outside_worst_case_;
    if (worst_ < 0 || e > found_.e) {
      found_.e = e;
      worst_ = index;
      found_.worst = {{}, got, truth, budget};
    }
  }

  void leave_out_row() { ++found_.ill_conditioned_rows; }

  Comparison finish(const Tensor& got) {
    found_.within = found_.judged > 0 && found_.outside == 0;
    found_.within_worst_case = found_.judged > 0 && outside_worst_case_ == 0;
    found_.constant_truth = all_same_ && (found_.judged > 1 || first_ == 0.0);
    if (worst_ >= 0) {
      found_.worst->index = unflatten(worst_, got.shape());
      found_.never_written = is_unwritten(got, worst_);
    }
    return found_;
  }

 private:
  void note_truth(double truth, double budget, Class truth_class) {
    if (found_.judged++ == 0) first_ = truth;
    all_same_ = all_same_ && truth == first_;
    if (truth_class != Class::finite || !(std::fabs(truth) <= budget)) found_.has_power = true;
  }

  DType dtype_;
  Comparison found_;
  std::int64_t worst_ = -1;  // flat
  double first_ = 0.0;
  bool all_same_ = true;
  std::int64_t outside_worst_case_ = 0;
};

Comparison incomparable(std::string problem) {
  Comparison comparison;
  comparison.e = kInfinity;
  comparison.problem = std::move(problem);
  return comparison;
}

}  // namespace

double share_of_budget(double got, double truth, double budget, DType dtype) {
  return share_of_budget(got, truth, budget, class_of(stored_in(dtype, truth)));
}

Shape unflatten(std::int64_t flat, const Shape& shape) {
  Shape index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return index;
}

Comparison compare(const Tensor& got, const reference::StageTruth& truth, DType dtype) {
  if (auto problem = why_incomparable(got, truth.value, dtype); !problem.empty()) return incomparable(problem);
  const std::vector<double> values = to_doubles(got);
  const auto expected = truth.value.as<double>();
  const auto budget = truth.budget.as<double>();
  const auto worst_case = truth.worst_case.as<double>();
  const auto condition = truth.condition.size() == 0 ? std::span<const double>{} : truth.condition.as<double>();
  const std::size_t row_length = static_cast<std::size_t>(got.rank() == 0 ? 1 : got.shape().back());
  Walk walk(dtype);
  for (std::size_t row = 0; row * row_length < values.size(); ++row) {
    if (row < condition.size() && !(condition[row] <= reference::kIllConditionedLogit)) {
      walk.leave_out_row();
      continue;
    }
    for (std::size_t i = row * row_length; i < (row + 1) * row_length; ++i) {
      walk.take(static_cast<std::int64_t>(i), values[i], expected[i], budget[i], worst_case[i]);
    }
  }
  return walk.finish(got);
}

Comparison compare_exactly(const Tensor& got, const Tensor& expected) {
  if (auto problem = why_incomparable(got, expected, got.dtype()); !problem.empty()) return incomparable(problem);
  const std::vector<double> values = to_doubles(got);
  const std::vector<double> wanted = to_doubles(expected);
  Walk walk(got.dtype());
  for (std::size_t i = 0; i < values.size(); ++i) {
    walk.take(static_cast<std::int64_t>(i), values[i], stored_in(got.dtype(), wanted[i]), 0.0, 0.0);
  }
  return walk.finish(got);
}

}  // namespace attest::harness
