#include "harness/report/html/profile_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/profile/peak_movement.h"
#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/page.h"
#include "harness/report/html/svg.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

std::string tiles_of_profile(const Json& document) {
  std::map<std::string, int> counts;
  double lowest = 1.0, highest = 0.0, largest_e = 0.0;
  for (const auto& item : document.at("items")) {
    const auto status = item.at("status").get<std::string>();
    ++counts[status];
    largest_e = std::max(largest_e, number_of(item.at("verified").at("e")));
    if (status == "invalid") continue;
    lowest = std::min(lowest, number_of(item.at("fraction")));
    highest = std::max(highest, number_of(item.at("fraction")));
  }
  std::string tiles = tile("work items timed", fmt::format("{}", document.at("items").size()));
  for (const std::string status : {"passed", "failed", "invalid"}) {
    if (counts[status] > 0) tiles += tile(status, fmt::format("<span class={0}>{1}</span>", status, counts[status]));
  }
  if (highest > 0) {
    const std::string from = lowest < highest ? fmt::format("{:.1f} – ", 100 * lowest) : "";
    tiles += tile("of the machine’s limit", from + percent_text(highest));
  }
  return element("dl class=tiles", tiles + tile("largest e, at most 1 to pass", e_text(largest_e)));
}

std::string summary_of(const Json& document) {
  return tiles_of_profile(document) +
         element("p",
                 "The <i>limit</i> is the time that the work needs at least: its FLOPs at the peak or its bytes at the "
                 "speed of memory, both measured beside every repetition. Every timed output was judged: <i>e</i> is "
                 "the share of the error budget that it uses.");
}

std::string wrong_stages(const Json& item) {
  std::string items;
  for (const auto& stage : item.at("verified").at("stages")) {
    if (stage.at("status") == "passed") continue;
    items += text_element("li", fmt::format("{}: e = {}; {}", stage.at("stage").get<std::string>(),
                                            e_text(number_of(stage.at("e"))), stage.at("message").get<std::string>()));
  }
  return items.empty() ? "" : element("p class=failed", "The timed output is wrong:") + element("ul", items);
}

std::string memory_of(const Json& item) {
  if (!item.contains("memory")) return "";
  return fmt::format(" The first call took {:.2f} MB of memory beside weights, inputs and output.",
                     1e-6 * item.at("memory").get<double>());
}

/// Whether the limit can be trusted.
std::string movement_of(const Json& item) {
  const double movement = number_of(item.at("peak_movement"));
  if (movement <= kMostPeakMovement) return "";
  return element("p class=failed", fmt::format("Unstable: the machine’s peak moved by {} in {} attempts.",
                                               percent_text(movement), item.at("attempts").get<int>()));
}

std::string article_of(const Json& item, std::size_t number) {
  const auto& limit = item.at("limit");
  const std::string facts =
      fmt::format("{}, threads {}: {} ms warm, {} ms cold; the limit is {} ms by {}, of which {} calls reach {}.",
                  item.at("target").get<std::string>(), item.at("threads").get<int>(),
                  milliseconds_text(item.at("warm").at("median").get<double>()),
                  milliseconds_text(item.at("cold").at("median").get<double>()),
                  milliseconds_text(number_of(limit.at("seconds"))), limit.at("by").get<std::string>(),
                  item.at("fraction_of").get<std::string>(), percent_text(number_of(item.at("fraction"))));
  return element(fmt::format("article class=work id=work-{}", number),
                 element("h3", fmt::format("{}. {} ", number, escaped(work_name(item))) +
                                   status_word(item.at("status").get<std::string>())) +
                     text_element("p", facts + memory_of(item)) + movement_of(item) + wrong_stages(item) +
                     element("div class=figures", roofline(item) + comparison_bars(item) + stage_bars(item)));
}

}  // namespace

std::string work_name(const Json& item) {
  const auto batch = item.at("batch").get<std::int64_t>();
  return item.at("layer").get<std::string>() + " " + item.at("work").get<std::string>() +
         (batch > 1 ? fmt::format(" × batch {}", batch) : "");
}

double decisive_seconds(const Json& item) {
  return item.at(item.at("fraction_of").get<std::string>()).at("median").get<double>();
}

std::vector<std::string> stage_classes(const Json& stages) {
  std::vector<std::string> classes;
  std::size_t coloured = 0;
  for (const auto& stage : stages.at("each")) {
    const bool is_idle = stage.at("stage") == "checks" || stage.at("stage") == "waiting";
    classes.push_back(is_idle ? "idle" : colour_of(coloured++));
  }
  return classes;
}

std::string profile_page(const Json& document) {
  std::string articles;
  std::size_t number = 0;
  for (const auto& item : document.at("items")) articles += article_of(item, ++number);
  return page(document, "attest profile",
              {{"summary", "Summary", summary_of(document)},
               {"all-work", "All work", work_table(document)},
               {"scaling", "Scaling", thread_scaling(document)},
               {"each-work", "Item by item", articles}});
}

}  // namespace attest::harness
