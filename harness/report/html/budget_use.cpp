#include <algorithm>
#include <nlohmann/json.hpp>

#include "fixtures/case.h"
#include "harness/report/document/markup.h"
#include "harness/report/html/verify_page.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

/// Takes the results of one case.
void add_case(BudgetUse& use, const Json& item) {
  auto& of_case = use.cases.emplace_back(item.at("case").get<std::string>(), std::vector<double>(use.who.size(), -1.0));
  for (const auto& result : item.at("results")) {
    const auto who = static_cast<std::size_t>(std::ranges::find(use.who, judged_label(result)) - use.who.begin());
    const auto stage = std::ranges::find(use.stages, result.at("stage").get<std::string>(), &BudgetUse::OfStage::stage);
    const bool compared = result.at("mode") == "localised" && result.contains("worst");
    if (!compared || who == use.who.size() || stage == use.stages.end()) continue;
    const double e = number_of(result.at("e"));
    stage->shares[who].push_back(e);
    of_case.largest[who] = std::max(of_case.largest[who], e);
  }
}

}  // namespace

BudgetUse budget_use(const Json& document) {
  BudgetUse use;
  for (const auto& one : document.at("summary").at("implementations")) use.who.push_back(judged_label(one));
  for (const auto stage : kStages) {
    use.stages.push_back({std::string(name_of(stage)), std::vector<std::vector<double>>(use.who.size())});
  }
  for (const auto& item : document.at("cases")) add_case(use, item);
  const auto is_empty = [](const auto& values) { return values.empty(); };
  std::erase_if(use.stages, [&](const auto& stage) { return std::ranges::all_of(stage.shares, is_empty); });
  for (auto& stage : use.stages) {
    for (auto& shares : stage.shares) std::ranges::sort(shares);
  }
  return use;
}

}  // namespace attest::harness
