#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

/// The parts of the page of `attest verify`, each made of the JSON report's document.
namespace attest::harness {

std::string verify_summary(const nlohmann::ordered_json& document);  ///< counts, a row for each implementation
std::string case_failures(const nlohmann::ordered_json& document);   ///< empty if there are none
std::string case_table(const nlohmann::ordered_json& document);
std::string coverage_section(const nlohmann::ordered_json& document);  ///< empty where the run has no covering array

/// A failed result's residual as a picture; empty if the result has none.
std::string heat_map(const nlohmann::ordered_json& result);

/// How much of the error budget everybody uses, stage by stage and case by case.
struct BudgetUse {
  struct OfStage {
    std::string stage;
    std::vector<std::vector<double>> shares;  ///< [who]: e of each result alone, sorted
  };
  struct OfCase {
    std::string name;
    std::vector<double> largest;  ///< [who]: the largest e alone, or -1
  };

  std::vector<std::string> who;
  std::vector<OfStage> stages;  ///< in the layer's order
  std::vector<OfCase> cases;
};
BudgetUse budget_use(const nlohmann::ordered_json& document);

std::string budget_by_stage(const BudgetUse& use);
std::string budget_beside_torchtune(const BudgetUse& use);  ///< empty if torchtune's own output was not judged

}  // namespace attest::harness
