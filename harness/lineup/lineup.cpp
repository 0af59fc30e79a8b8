#include "harness/lineup/lineup.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "fixtures/error.h"
#include "fixtures/named_rows.h"
#include "harness/lineup/implementations.h"
#include "optimized/target.h"

namespace attest::harness {
namespace {

using optimized::Target;
using optimized::TargetStatus;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool names_a_library(const std::string& name) { return name.find_first_of("./") != std::string::npos; }

void check_implementation_names(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (name == "reference" || name == "optimized" || names_a_library(name)) continue;
    throw InputError("--implementation", "reference, optimized, or the path of a shared library", name);
  }
}

/// The one target that was asked for, or nothing for all of them.
std::optional<Target> requested_target(const std::string& option) {
  std::optional<Target> from_environment;
  if (!environment("ATTEST_TARGET").empty()) from_environment = optimized::choose_target();
  if (option == "all") return std::nullopt;
  return option.empty() ? from_environment : optimized::target_from_name(option);
}

std::vector<std::string> required_targets() {
  const std::string list = environment("ATTEST_REQUIRE_TARGETS");
  const auto known = optimized::targets();
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find_first_of(";,", begin), list.size());
    const std::string name = list.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty()) continue;
    row_named(known, "ATTEST_REQUIRE_TARGETS", name, [](const auto& status) { return name_of(status.target); });
    names.push_back(name);
  }
  return names;
}

Result absence_of(const TargetStatus& status, bool required) {
  Result result;
  result.stage = "target";
  result.mode = Mode::setup;
  result.judged = {Party::optimized, std::string(name_of(status.target))};
  result.status = required ? Status::failed : Status::skipped;
  result.message = required ? "required by ATTEST_REQUIRE_TARGETS, but " + status.reason : status.reason;
  return result;
}

bool takes_part(const Implementation& implementation, const LineupRequest& request, std::optional<Target> target) {
  const auto& names = request.implementations;
  const Judged who = implementation.identity();
  const bool named = names.empty() || std::ranges::find(names, who.implementation()) != names.end();
  const bool on_target = who.party != Party::optimized || !target || who.target() == name_of(*target);
  return named && on_target;
}

}  // namespace

Lineup line_up(const LineupRequest& request) {
  check_implementation_names(request.implementations);
  const std::optional<Target> target = requested_target(request.target);
  const std::vector<std::string> required = required_targets();
  Lineup lineup;
  for (auto& implementation : all_implementations()) {
    if (takes_part(*implementation, request, target)) lineup.implementations.push_back(std::move(implementation));
  }
  const auto& names = request.implementations;
  for (const auto& name : names) {
    if (names_a_library(name)) lineup.implementations.push_back(load_implementation(name, request.isolation));
  }
  const bool judges_optimized = names.empty() || std::ranges::find(names, "optimized") != names.end();
  if (!judges_optimized || target) return lineup;
  for (const auto& status : optimized::targets()) {
    const bool is_required = std::ranges::find(required, name_of(status.target)) != required.end();
    if (!status.usable) lineup.absences.push_back(absence_of(status, is_required));
  }
  return lineup;
}

std::unique_ptr<Implementation> implementation_from_label(const std::string& label, const Isolation& isolation) {
  const Judged judged = judged_from_label(label);
  Lineup lineup = line_up({{judged.implementation()}, judged.target(), isolation});
  if (lineup.implementations.size() != 1) {
    throw InputError("implementation", "one: reference, optimized/TARGET, or a library", "'" + label + "'");
  }
  return std::move(lineup.implementations.front());
}

}  // namespace attest::harness
