#include "property_tests/rapidcheck_guard.h"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

namespace attest::property_tests {
namespace {

constexpr std::array<std::string_view, 8> kKeys = {
    "seed",     "max_success",      "max_size",          "max_discard_ratio",
    "noshrink", "verbose_progress", "verbose_shrinking", "reproduce"};

bool is_positive_number(std::string_view text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == text.npos &&
         text.find_first_not_of('0') != text.npos;
}

std::string without_quotes(const std::string& text) {
  const bool quoted = text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

std::string problem_with_rc_params(std::string_view rc_params) {
  std::istringstream words{std::string(rc_params)};
  std::set<std::string> seen;
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (equals == word.npos) return "RC_PARAMS: '" + word + "' has no value";
    const auto key = word.substr(0, equals), value = without_quotes(word.substr(equals + 1));
    if (std::ranges::find(kKeys, key) == kKeys.end()) {
      std::string valid;
      for (const auto known : kKeys) valid += " " + std::string(known);
      return "RC_PARAMS: '" + key + "' is none of" + valid;
    }
    if (!seen.insert(key).second) return "RC_PARAMS: '" + key + "' is given twice";
    if (key == "max_success" && !is_positive_number(value)) {
      return "RC_PARAMS: max_success must be a positive number, not '" + value + "': no property would run";
    }
  }
  return "";
}

}  // namespace attest::property_tests
