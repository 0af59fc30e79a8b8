#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/page.h"
#include "harness/report/html/profile_page.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

std::string row_of_work(const Json& item, std::size_t number) {
  const auto word = [&](const char* member) { return item.at(member).get<std::string>(); };
  const auto median = [&](const char* member) { return item.at(member).at("median").get<double>(); };
  const auto& limit = item.at("limit");
  const double fraction = number_of(item.at("fraction"));
  return element(
      fmt::format("tr data-status={} data-target={}", word("status"), word("target")),
      element("th scope=row", fmt::format("<a href=#work-{0}>{0}. {1}</a>", number, escaped(work_name(item)))) +
          element("td class=word", status_word(word("status"))) + word_cell(word("target")) +
          number_cell(fmt::format("{}", item.at("threads").get<int>())) +
          number_cell(milliseconds_text(median("warm"))) + number_cell(milliseconds_text(median("cold"))) +
          number_cell(milliseconds_text(number_of(limit.at("seconds")))) +
          word_cell(limit.at("by").get<std::string>()) + bar_cell(percent_text(fraction), fraction) +
          number_cell(giga_text(item.at("counts").at("flops").get<double>() / decisive_seconds(item))) +
          number_cell(e_text(number_of(item.at("verified").at("e")))));
}

}  // namespace

std::string work_table(const Json& document) {
  std::string rows;
  std::set<std::string> targets;
  std::size_t number = 0;
  for (const auto& item : document.at("items")) {
    rows += row_of_work(item, ++number);
    targets.insert(item.at("target").get<std::string>());
  }
  const std::string head = table_head({{"work", Align::word, "work"},
                                       {"status", Align::word, "status"},
                                       {"target", Align::word, "target"},
                                       {"threads", Align::number, "threads"},
                                       {"warm, ms", Align::number, "warm"},
                                       {"cold, ms", Align::number, "cold"},
                                       {"limit, ms", Align::number, "limit"},
                                       {"limit by", Align::word, "by"},
                                       {"of the limit", Align::number, "fraction"},
                                       {"GFLOP/s", Align::number, "rate"},
                                       {"e", Align::number, "e"}});
  return filter_form("works", "work items",
                     {{"status", "Status", {"passed", "failed", "invalid"}},
                      {"target", "Target", {targets.begin(), targets.end()}}}) +
         table("Work items", head, rows, "id=works class=pinned");
}

}  // namespace attest::harness
