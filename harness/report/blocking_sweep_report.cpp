#include "harness/report/blocking_sweep_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/report/profile_report.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const CandidateTimes& candidate, const ConstantSweep& swept, std::string_view name) {
  const std::string_view bits = candidate.same_bits ? "" : "  other last bits";
  const std::string ratio = candidate.value == swept.by_default
                                ? "the default"
                                : fmt::format("{:.3f} ({:.3f}-{:.3f}){}", candidate.ratio.median,
                                              candidate.interval.low, candidate.interval.high, bits);
  return fmt::format("  {:<16}{:>10}{:>12.3f} ms  {}\n", name, candidate.value, 1e3 * candidate.seconds.median, ratio);
}

Json to_json(const CandidateTimes& candidate) {
  return {{"value", candidate.value},
          {"seconds", timing_json(candidate.seconds)},
          {"ratio", ratio_json(candidate.ratio, candidate.interval)},
          {"same_bits", candidate.same_bits}};
}

}  // namespace

std::string sweep_text(const BlockingSweep& sweep) {
  const ProfileRequest& request = sweep.request;
  std::string text = fmt::format("{} {}, batch {}, {}, {} threads\n", request.layer.name, to_text(request.item),
                                 request.item.batch, name_of(request.target), request.threads);
  text += fmt::format("  {:<16}{:>10}{:>15}  {}\n", "blocking", "value", "warm median", "ratio to the default");
  for (const auto& swept : sweep.constants) {
    std::string_view name = swept.constant->name;
    for (const auto& candidate : swept.candidates) text += line_of(candidate, swept, std::exchange(name, ""));
  }
  return text;
}

Json sweep_json(const BlockingSweep& sweep) {
  Json constants = Json::array();
  for (const auto& swept : sweep.constants) {
    Json candidates = Json::array();
    for (const auto& candidate : swept.candidates) candidates.push_back(to_json(candidate));
    constants.push_back({{"name", swept.constant->name},
                         {"default", swept.by_default},
                         {"cuts_sums", swept.constant->cuts_sums},
                         {"candidates", candidates}});
  }
  Json json = request_json(sweep.request);
  json["constants"] = constants;
  return json;
}

}  // namespace attest::harness
