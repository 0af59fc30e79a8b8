#include "harness/judge/offered.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "fixtures/case.h"
#include "fixtures/error.h"

namespace attest::harness {

std::string_view function_of(const Result& result) {
  if (result.mode == Mode::end_to_end) return "layer";
  if (result.mode != Mode::localised && result.mode != Mode::exact) return "";
  const auto stage = stage_from_name(result.stage);
  if (!stage) return "";
  switch (*stage) {
    case Stage::q_proj:
    case Stage::k_proj:
    case Stage::v_proj:
    case Stage::output:
      return "linear";
    case Stage::q_rope:
    case Stage::k_rope:
      return "rotary";
    case Stage::q_norm:
    case Stage::k_norm:
      return "norm";
    case Stage::attention:
      return "attention";
    case Stage::k_cache:
    case Stage::v_cache:
      return "layer";
  }
  return "";
}

std::set<std::string, std::less<>> required_functions(const std::string& list) {
  std::set<std::string, std::less<>> required;
  std::istringstream words(list);
  for (std::string word; std::getline(words, word, ',');) {
    if (std::ranges::find(kFunctions, word) == std::end(kFunctions)) {
      throw InputError("--require", fmt::format("some of {}", fmt::join(kFunctions, ",")), "'" + word + "'");
    }
    required.insert(word);
  }
  return required;
}

void demand(std::vector<Result>& results, const std::set<std::string, std::less<>>& required) {
  for (Result& result : results) {
    if (result.gap == Gap::none || !required.contains(function_of(result))) continue;
    result.status = Status::failed;
    result.message = fmt::format("--require {}: {}", function_of(result), result.message);
  }
}

}  // namespace attest::harness
