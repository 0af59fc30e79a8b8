#include "harness/judge/offered.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
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

std::vector<Demand> demands_from_text(const std::string& list) {
  std::vector<Demand> demands;
  std::istringstream words(list);
  for (std::string word; std::getline(words, word, ',');) {
    const std::size_t colon = std::min(word.find(':'), word.size());
    const auto* known = std::ranges::find(kFunctions, word.substr(0, colon));
    int percent = 100;
    const char* digits = word.c_str() + std::min(colon + 1, word.size());
    const auto [end, error] = std::from_chars(digits, word.c_str() + word.size(), percent);
    const bool has_number = colon == word.size() || (error == std::errc() && end == word.c_str() + word.size());
    if (known == std::end(kFunctions) || !has_number || percent < 1 || percent > 100) {
      throw InputError(
          "--require",
          fmt::format("some of {}, each with :PERCENT if not all of it is meant", fmt::join(kFunctions, ",")),
          "'" + word + "'");
    }
    demands.push_back({*known, percent / 100.0});
  }
  return demands;
}

void Demanded::count(const Result& result) {
  if (!(result.judged == judged_) || function_of(result) != demand_.function) return;
  ++(result.gap == Gap::none ? done_ : gaps_);
}

std::vector<Result> Demanded::verdict() const {
  const std::size_t all = done_ + gaps_;
  const double share = all == 0 ? 0.0 : static_cast<double>(done_) / static_cast<double>(all);
  if (share >= demand_.share) return {};
  Result unmet;
  unmet.stage = demand_.function;
  unmet.mode = Mode::setup;
  unmet.judged = judged_;
  unmet.status = Status::failed;
  unmet.message = fmt::format("--require: {} of {} results about {} were judged ({:.0f} %), {:.0f} % are demanded",
                              done_, all, demand_.function, 100 * share, 100 * demand_.share);
  return {unmet};
}

}  // namespace attest::harness
