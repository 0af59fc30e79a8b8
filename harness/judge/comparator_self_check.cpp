#include "harness/judge/comparator_self_check.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace attest::harness {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kBudget = 1e-3;

using Values = std::vector<double>;

Tensor doubles(const Values& values, Shape shape) {
  Tensor tensor(DType::float64, std::move(shape));
  std::ranges::copy(values, tensor.as<double>().begin());
  return tensor;
}

Tensor floats(const Values& values, Shape shape) {
  Tensor tensor(DType::float32, std::move(shape));
  std::ranges::transform(values, tensor.as<float>().begin(), [](double v) { return static_cast<float>(v); });
  return tensor;
}

reference::StageTruth truth_of(const Values& values, double budget) {
  const Shape shape = {2, static_cast<std::int64_t>(values.size()) / 2};
  const Values budgets(values.size(), budget);
  return {doubles(values, shape), doubles(budgets, shape), doubles(budgets, shape), Tensor()};
}

/// Compares two rows of two elements with one budget everywhere.
Comparison compared(const Values& got, const Values& truth, double budget = kBudget) {
  return compare(floats(got, {2, 2}), truth_of(truth, budget), DType::float32);
}

const Values kTruth = {1.0, -2.0, 3.0, -4.0};

Comparison wrong_shape() { return compare(floats(kTruth, {4, 1}), truth_of(kTruth, kBudget), DType::float32); }
Comparison wrong_dtype() { return compare(doubles(kTruth, {2, 2}), truth_of(kTruth, kBudget), DType::float32); }
Comparison empty_tensor() { return compare(floats({}, {2, 0}), truth_of({}, kBudget), DType::float32); }

const std::vector<TruthTableRow> kRows = {
    {"equal values", true, [] { return compared(kTruth, kTruth); }},
    {"a difference of nine tenths of the budget", true,
     [] {
       return compared({1.0009, -2.0, 3.0, -4.0}, kTruth);
     }},
    {"-0 for 0", true,
     [] {
       return compared({-0.0, -2.0, 3.0, -4.0}, {0.0, -2.0, 3.0, -4.0}, 0.0);
     }},
    {"an infinity that the truth has too", true,
     [] {
       return compared({kInf, -2.0, 3.0, -kInf}, {kInf, -2.0, 3.0, -kInf});
     }},
    {"an overflow of the storage dtype", true,
     [] {
       return compared({kInf, -2.0, 3.0, -4.0}, {1e39, -2.0, 3.0, -4.0});
     }},
    {"a NaN that the truth has too", true,
     [] {
       return compared({kNan, -2.0, 3.0, -4.0}, {kNan, -2.0, 3.0, -4.0});
     }},
    {"a difference of twice the budget", false,
     [] {
       return compared({1.002, -2.0, 3.0, -4.0}, kTruth);
     }},
    {"a NaN in the output", false,
     [] {
       return compared({kNan, -2.0, 3.0, -4.0}, kTruth);
     }},
    {"a NaN in the truth", false,
     [] {
       return compared(kTruth, {kNan, -2.0, 3.0, -4.0});
     }},
    {"a NaN everywhere, on both sides", false,
     [] {
       return compared({kNan, kNan, kNan, kNan}, {kNan, kNan, kNan, kNan});
     }},
    {"a NaN in the budget", false,
     [] {
       return compared({1.0001, -2.0, 3.0, -4.0}, kTruth, kNan);
     }},
    {"an infinite budget", false,
     [] {
       return compared({1.0001, -2.0, 3.0, -4.0}, kTruth, kInf);
     }},
    {"an infinity in the output", false,
     [] {
       return compared({kInf, -2.0, 3.0, -4.0}, kTruth);
     }},
    {"an infinity in the truth", false,
     [] {
       return compared(kTruth, {kInf, -2.0, 3.0, -4.0});
     }},
    {"an infinity of the other sign", false,
     [] {
       return compared({-kInf, -2.0, 3.0, -4.0}, {kInf, -2.0, 3.0, -4.0});
     }},
    {"a difference of two negative values", false,
     [] {
       return compared({1.0, -2.5, 3.0, -4.0}, kTruth);
     }},
    {"both negative, ours the smaller", false,
     [] {
       return compared({1.0, -1.5, 3.0, -4.0}, kTruth);
     }},
    {"swapped rows", false,
     [] {
       return compared({3.0, -4.0, 1.0, -2.0}, kTruth);
     }},
    {"an all-zero output", false,
     [] {
       return compared({0.0, 0.0, 0.0, 0.0}, kTruth);
     }},
    {"an off-by-one row", false,
     [] {
       return compared({0.0, 0.0, 1.0, -2.0}, kTruth);
     }},
    {"one wrong element, the last", false,
     [] {
       return compared({1.0, -2.0, 3.0, -4.1}, kTruth);
     }},
    {"not exactly zero where the budget is zero", false,
     [] {
       return compared({1e-30, -2.0, 3.0, -4.0}, {0.0, -2.0, 3.0, -4.0}, 0.0);
     }},
    {"a wrong shape", false, wrong_shape},
    {"a wrong dtype", false, wrong_dtype},
    {"an empty tensor", false, empty_tensor},
};

}  // namespace

std::span<const TruthTableRow> comparator_truth_table() { return kRows; }

std::string first_comparator_error() {
  const auto wrong = std::ranges::find_if(kRows, [](const auto& row) { return row.compare_it().within != row.accept; });
  return wrong == kRows.end() ? "" : std::string(wrong->name);
}

}  // namespace attest::harness
