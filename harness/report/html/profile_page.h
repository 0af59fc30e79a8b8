#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

/// The parts of the page of `attest profile`, made of the JSON report's document or of one of its items.
namespace attest::harness {

/// "llama3_2_1b prefill:512 × batch 4": what was timed, without who timed it.
std::string work_name(const nlohmann::ordered_json& item);

/// Seconds of the calls that the item's limit is compared with: the cold ones where memory limits, else the warm ones.
double decisive_seconds(const nlohmann::ordered_json& item);

std::string work_table(const nlohmann::ordered_json& document);
std::string thread_scaling(const nlohmann::ordered_json& document);  ///< empty unless work was timed with several

/// The colours of the stages of an item; what only checks or waits is grey.
std::vector<std::string> stage_classes(const nlohmann::ordered_json& stages);

// Figures of one item.
std::string roofline(const nlohmann::ordered_json& item);
std::string stage_bars(const nlohmann::ordered_json& item);
std::string comparison_bars(const nlohmann::ordered_json& item);  ///< empty without peers and baseline

}  // namespace attest::harness
