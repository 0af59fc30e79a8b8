#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/verify_page.h"
#include "harness/search/replay_line.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

/// So that a run in which everything fails is still a page; the JSON report has every map.
constexpr int kMostHeatMaps = 60;

std::string mode_text(const std::string& mode) {
  if (mode == "localised") return "alone";
  return mode == "end_to_end" ? "end to end" : mode;
}

std::string headline(const Json& trouble) {
  const auto word = [&](const char* member) { return trouble.at(member).get<std::string>(); };
  return element("p",
                 fmt::format("<strong>{}</strong>, {} of step {}, {}: {}", escaped(short_label(judged_label(trouble))),
                             escaped(word("stage")), trouble.at("step").get<std::int64_t>(), mode_text(word("mode")),
                             status_word(word("status")))) +
         element("p", fmt::format("<i>e</i> = {}; {}", e_text(number_of(trouble.at("e"))), escaped(word("message"))));
}

std::string explanation_of(const Json& trouble) {
  if (!trouble.contains("explanation")) return "";
  const auto& explanation = trouble.at("explanation");
  std::string sentences;
  for (const auto& finding : explanation.at("findings")) {
    sentences += text_element("li", finding.at("sentence").get<std::string>());
  }
  const std::string why = sentences.empty() ? text_element("p", "No hypothesis fits.")
                                            : text_element("p", "It looks as if") + element("ul", sentences);
  return element("div class=explanation", why) +
         text_element("p class=quiet", explanation.at("pattern").get<std::string>());
}

std::string worst_of(const Json& trouble) {
  if (!trouble.contains("worst")) return "";
  const auto& worst = trouble.at("worst");
  return text_element("p class=quiet", fmt::format("worst element {}: got {:.9g}, expected {:.9g}, budget {:.3g}",
                                                   worst.at("index").dump(), number_of(worst.at("got")),
                                                   number_of(worst.at("expected")), number_of(worst.at("budget"))));
}

std::string trouble_of(const Json& trouble, int& heat_maps_left) {
  const std::string words = headline(trouble) + explanation_of(trouble) + worst_of(trouble) +
                            text_element("code", replay_command(trouble.at("replay")));
  const std::string map = heat_maps_left > 0 ? heat_map(trouble) : "";
  if (!map.empty()) --heat_maps_left;
  return element("div class=\"trouble beside\"", element("div", words) + map);
}

}  // namespace

std::string case_failures(const Json& document) {
  std::string articles;
  int heat_maps_left = kMostHeatMaps;
  for (const auto& item : document.at("cases")) {
    const auto troubles = troubles_of(item);
    if (troubles.empty()) continue;
    std::string first = trouble_of(*troubles[0], heat_maps_left), others;
    for (std::size_t i = 1; i < troubles.size(); ++i) others += trouble_of(*troubles[i], heat_maps_left);
    if (!others.empty()) {
      others = element("details",
                       text_element("summary", fmt::format("{} more in this case", troubles.size() - 1)) + others);
    }
    articles += element("article", text_element("h3", item.at("case").get<std::string>()) + first + others);
  }
  return articles;
}

}  // namespace attest::harness
