#include "harness/judge/judge_tables.h"

#include <algorithm>

#include "fixtures/layer_shapes.h"
#include "harness/explain/table_findings.h"
#include "harness/judge/judge_stage.h"
#include "harness/verdict/comparator.h"
#include "reference/rotary_tables.h"

namespace attest::harness {
namespace {

Tensor as_doubles(const Tensor& tensor) {
  Tensor doubles(DType::float64, tensor.shape());
  std::ranges::copy(to_doubles(tensor), doubles.as<double>().begin());
  return doubles;
}

Comparison compare_table(const Tensor& recorded, const Tensor& ours, const Tensor& budget) {
  return compare(recorded, {as_doubles(ours), budget, budget, Tensor()}, DType::float32);
}

Tensor cosine_budget(const Shape& shape) {
  Tensor budget(DType::float64, shape);
  std::ranges::fill(budget.as<double>(), reference::kCosineBudget);
  return budget;
}

/// One of the three tables.
struct JudgedTable {
  const char* name;
  Comparison comparison;
};

/// The angles are made of the recorded theta, as torchtune makes them of its own.
std::vector<JudgedTable> judge_each(const PosEmbeddings& embedding, const RotaryTables& recorded) {
  const auto rows = recorded.cos.dim(0);
  const auto theta = reference::build_rotary_tables(embedding, 1).theta;
  const auto ours = reference::rotary_tables_of(recorded.theta.as<float>(), rows);
  const auto budget = cosine_budget(recorded.cos.shape());
  return {{"theta", compare_table(recorded.theta, theta, reference::theta_budget(embedding))},
          {"cos", compare_table(recorded.cos, ours.cos, budget)},
          {"sin", compare_table(recorded.sin, ours.sin, budget)}};
}

void add(Result& result, const JudgedTable& table) {
  const auto& comparison = table.comparison;
  Comparison& all = result.comparison;
  all.judged += comparison.judged;
  all.outside += comparison.outside;
  if (comparison.outside > 0 && result.status != Status::failed) {
    result.status = Status::failed;
    result.message = std::string(table.name) + " is not what the configuration says";
    result.explanation.pattern = std::to_string(comparison.outside) + " of " + std::to_string(comparison.judged) +
                                 " elements of " + table.name + " are outside";
  }
  if (!comparison.worst || (all.worst && comparison.e <= all.e)) return;
  all.e = comparison.e;
  all.worst = comparison.worst;
}

}  // namespace

std::vector<Result> judge_tables(const JudgedCase& judged) {
  const LayerSpec& layer = judged.item.layer;
  if (constructor_error(judged.item) != nullptr) return {};
  const auto rotary = rotary_of(layer);
  if (!rotary) return {};
  Result result = Question{judged, 0, Mode::truth, {Party::torchtune}}.about("tables");
  result.status = Status::passed;
  for (const auto& table : judge_each(layer.config.pos_embeddings, rotary->tables)) add(result, table);
  if (result.status == Status::failed) {
    result.explanation.findings = explain::table_findings(layer.config.pos_embeddings, rotary->tables);
  }
  return {result};
}

}  // namespace attest::harness
