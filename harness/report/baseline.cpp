#include "harness/report/baseline.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fixtures/error.h"
#include "harness/profile/rank_test.h"
#include "harness/profile/timing.h"
#include "harness/report/read_document.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::filesystem::path& report, const std::string& expected, const std::string& actual) {
  throw InputError("--baseline " + report.string(), expected, actual);
}

Json read_profile(const std::filesystem::path& file) {
  Json report = read_document(file);
  if (report.at("schema") != "attest.profile") refuse(file, "a JSON report of attest profile", "of something else");
  return report;
}

void refuse_another_machine(const std::filesystem::path& file, const Json& environment, const Fingerprint& here) {
  const auto cpu = environment.at("cpu").get<std::string>();
  if (cpu == here.cpu) return;
  refuse(file, "times of this machine, " + here.cpu + " (--across-machines compares shares of the limit)", cpu);
}

/// What the work's speed is judged by: its cold calls where memory limits, else its warm ones.
const std::vector<double>& decisive_seconds(const ProfileResult& result) {
  return result.limit.by_memory() ? result.cold_samples : result.warm_samples;
}

}  // namespace

std::string verdict_of(const BaselineComparison& comparison) {
  if (!(comparison.p < kSignificance)) return "no difference shown";
  return comparison.speed_up > 1 ? "faster" : "slower";
}

Baseline::Baseline(const std::filesystem::path& report, const Fingerprint& here, BaselineScale scale) : scale_(scale) {
  const Json json = read_profile(report);
  try {
    if (scale == BaselineScale::seconds) refuse_another_machine(report, json.at("environment"), here);
    for (const auto& item : json.at("items")) {
      const auto kind =
          scale == BaselineScale::seconds ? item.at("fraction_of").get<std::string>() : std::string("fraction");
      items_.push_back({item.at("layer"), item.at("work"), item.at("target"), item.at("batch"), item.at("threads"),
                        item.at("samples").at(kind).get<std::vector<double>>()});
      if (items_.back().samples.empty()) refuse(report, "at least one sample an item", "none");
    }
  } catch (const Json::exception& error) {
    refuse(report, "the members that docs/json_report.md describes", error.what());
  }
}

std::optional<BaselineComparison> Baseline::compare(const ProfileResult& now) const {
  const auto found = std::ranges::find_if(items_, [&](const Item& item) {
    return item.layer == now.request.layer.name && item.work == to_text(now.request.item) &&
           item.batch == now.request.item.batch && item.target == name_of(now.request.target) &&
           item.threads == now.request.threads;
  });
  if (found == items_.end()) return std::nullopt;
  const bool seconds = scale_ == BaselineScale::seconds;
  const std::vector<double>& samples = seconds ? decisive_seconds(now) : now.fractions;
  BaselineComparison comparison;
  comparison.scale = scale_;
  comparison.before = timing_of(found->samples).median;
  comparison.now = timing_of(samples).median;
  comparison.speed_up = seconds ? comparison.before / comparison.now : comparison.now / comparison.before;
  comparison.p = rank_test(found->samples, samples).p;
  return comparison;
}

}  // namespace attest::harness
