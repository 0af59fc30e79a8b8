#include <nlohmann/json.hpp>

#include "harness/report/document/json_values.h"
#include "harness/report/profile_report.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const WorkCounts& counts) {
  return {{"flops", counts.flops()},
          {"input_projection_flops", counts.input_projections.flops},
          {"attention_flops", counts.attention_flops()},
          {"output_projection_flops", counts.output_projection.flops},
          {"bytes", counts.bytes}};
}

Json to_json(const PartSeconds& part, double call) {
  Json json = {{"stage", name_of(part.part)},
               {"title", title_of(part.part)},
               {"seconds", part.seconds},
               {"share", part.seconds / call}};
  if (part.counts) {
    json["flops"] = part.counts->flops;
    json["bytes"] = part.counts->bytes;
    json["roof"] = part.roof;
    json["rate"] = part.rate();
    json["fraction"] = part.rate() / part.roof;
  }
  return json;
}

Json to_json(const StageBreakdown& stages) {
  Json each = Json::array(), events = Json::object();
  for (const auto& part : stages.parts) each.push_back(to_json(part, stages.call));
  for (const auto& event : stages.events) events[event.event] = event.count;
  return {{"of", name_of(stages.caches)},
          {"seconds", stages.call},
          {"sum", stages.sum()},
          {"timer_overhead", stages.timer_overhead},
          {"each", each},
          {"events", events}};
}

Json to_json(const PeerComparison& peer) {
  return {{"name", peer.name},
          {"versions", peer.versions},
          {"cold", timing_json(peer.cold)},
          {"warm", timing_json(peer.warm)},
          {"cold_ratio", ratio_json(peer.cold_ratio, peer.cold_interval)},
          {"warm_ratio", ratio_json(peer.warm_ratio, peer.warm_interval)},
          {"output_difference", json_number(peer.difference)}};
}

Json to_json(const BaselineComparison& baseline) {
  return {{"scale", baseline.scale == BaselineScale::seconds ? "seconds" : "fractions"},
          {"before", json_number(baseline.before)},
          {"now", json_number(baseline.now)},
          {"speed_up", json_number(baseline.speed_up)},
          {"p", baseline.p},
          {"verdict", verdict_of(baseline)}};
}

Json to_json(const WorkVerdict& verdict) {
  Json stages = Json::array();
  for (const auto& stage : verdict.stages) {
    stages.push_back({{"stage", stage.stage},
                      {"status", stage.passed ? "passed" : "failed"},
                      {"e", json_number(stage.e)},
                      {"elements", stage.elements},
                      {"message", stage.message}});
  }
  return {
      {"status", verdict.passed() ? "passed" : "failed"}, {"e", json_number(verdict.worst_e())}, {"stages", stages}};
}

Json to_json(const ProfileResult& result) {
  Json json = {{"status", name_of(result.status)}};
  json.update(request_json(result.request));
  json.update(
      Json{{"counts", to_json(result.counts)},
           {"cold", timing_json(result.cold)},
           {"warm", timing_json(result.warm)},
           {"peak_flops", timing_json(result.fma)},
           {"stream_bytes", timing_json(result.stream)},
           {"peak_movement", json_number(result.peak_movement)},
           {"attempts", result.attempts},
           {"limit",
            {{"seconds", json_number(result.limit.seconds())},
             {"by", result.limit.by_memory() ? "memory" : "arithmetic"},
             {"arithmetic", json_number(result.limit.compute)},
             {"memory", json_number(result.limit.memory)}}},
           {"fraction", json_number(result.fraction)},
           {"fraction_of", result.limit.by_memory() ? "cold" : "warm"},
           {"stages", to_json(result.stages)},
           {"samples", {{"cold", result.cold_samples}, {"warm", result.warm_samples}, {"fraction", result.fractions}}},
           {"verified", to_json(result.verdict)}});
  if (result.memory) json["memory"] = *result.memory;
  if (result.baseline) json["baseline"] = to_json(*result.baseline);
  json["peers"] = Json::array();
  for (const auto& peer : result.peers) json["peers"].push_back(to_json(peer));
  return json;
}

}  // namespace

Json timing_json(const Timing& timing) {
  return {{"median", timing.median},
          {"min", timing.min},
          {"max", timing.max},
          {"median_absolute_deviation", timing.deviation},
          {"count", timing.count}};
}

Json ratio_json(const Timing& each, const Interval& interval) {
  return {{"each", timing_json(each)},
          {"interval",
           {{"low", json_number(interval.low)},
            {"high", json_number(interval.high)},
            {"confidence", interval.confidence}}}};
}

Json request_json(const ProfileRequest& request) {
  return {{"layer", request.layer.name},       {"work", to_text(request.item)},
          {"batch", request.item.batch},       {"dtype", name_of(request.layer.config.dtype)},
          {"target", name_of(request.target)}, {"threads", request.threads}};
}

Json profile_document(const std::vector<ProfileResult>& results, std::size_t requested, const Fingerprint& fingerprint,
                      const std::vector<std::string>& command) {
  Json items = Json::array();
  bool passed = true;
  for (const auto& result : results) {
    items.push_back(to_json(result));
    passed = passed && result.status != Status::failed;
  }
  const auto status = passed ? "passed" : "failed";
  return {{"schema", "attest.profile"},
          {"schema_version", kProfileSchemaVersion},
          {"status", results.size() < requested ? "interrupted" : status},
          {"command", command},
          {"selected", requested},
          {"environment", fingerprint_json(fingerprint)},
          {"items", items}};
}

}  // namespace attest::harness
