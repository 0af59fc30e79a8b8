#include "harness/draw/draw_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <sstream>

#include "fixtures/error.h"
#include "harness/draw/draw_fields.h"

namespace attest::harness {
namespace {

template <class Kind>
struct KindNames;
template <>
struct KindNames<MaskKind> {
  static constexpr std::array<std::string_view, 7> value = {"none",   "causal",    "boolean", "floating",
                                                            "packed", "documents", "blocks"};
};
template <>
struct KindNames<MaskBroadcast> {
  static constexpr std::array<std::string_view, 8> value = {"none", "b",     "s_x",     "b_s_x",
                                                            "s_k",  "b_s_k", "s_x_s_k", "all"};
};
template <>
struct KindNames<HiddenKeys> {
  static constexpr std::array<std::string_view, 8> value = {"random",   "none",        "leading",    "middle",
                                                            "trailing", "alternating", "whole_rows", "all_but_one"};
};
template <>
struct KindNames<CallsBefore> {
  static constexpr std::array<std::string_view, 4> value = {"same", "other_values", "larger", "smaller"};
};
template <>
struct KindNames<KeySource> {
  static constexpr std::array<std::string_view, 4> value = {"self", "cross", "cache", "cross_cache"};
};
template <>
struct KindNames<RotaryKind> {
  static constexpr std::array<std::string_view, 5> value = {"none", "interleaved", "llama3", "phi3", "qwen2"};
};
template <>
struct KindNames<PositionKind> {
  static constexpr std::array<std::string_view, 3> value = {"implied", "shared", "each"};
};

// --- words ---------------------------------------------------------------------------------------------------------

std::string word_of(const std::string& value) { return value; }
std::string word_of(bool value) { return value ? "yes" : "no"; }
std::string word_of(DType value) { return std::string(name_of(value)); }
std::string word_of(std::int64_t value) { return std::to_string(value); }
std::string word_of(std::uint64_t value) { return std::to_string(value); }
template <class Kind>
std::string word_of(Kind value)
  requires std::is_enum_v<Kind>
{
  return std::string(KindNames<Kind>::value[static_cast<std::size_t>(value)]);
}

void read(const std::string&, const std::string& word, std::string& value) { value = word; }
void read(const std::string& key, const std::string& word, DType& value) {
  value = dtype_from_name(word);
  if (!is_storage(value)) throw InputError(key, kStorageDTypes, word);
}
void read(const std::string& key, const std::string& word, bool& value) {
  if (word != "yes" && word != "no") throw InputError(key, "yes or no", "'" + word + "'");
  value = word == "yes";
}
template <class Number>
void read(const std::string& key, const std::string& word, Number& value)
  requires std::is_integral_v<Number>
{
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) throw InputError(key, "an integer", "'" + word + "'");
}
template <class Kind>
void read(const std::string& key, const std::string& word, Kind& value)
  requires std::is_enum_v<Kind>
{
  constexpr auto& names = KindNames<Kind>::value;
  const auto found = std::ranges::find(names, word);
  if (found == names.end()) throw InputError(key, fmt::format("one of {}", fmt::join(names, ", ")), "'" + word + "'");
  value = static_cast<Kind>(found - names.begin());
}

std::string words_of(const CaseDraw& draw, const CaseDraw& besides) {
  std::vector<std::string> plain, words;
  visit_fields(besides, [&](const char*, const auto& value) { plain.push_back(word_of(value)); });
  std::size_t at = 0;
  visit_fields(draw, [&](const char* key, const auto& value) {
    const std::string word = word_of(value);
    if (word != plain[at++]) words.push_back(std::string(key) + "=" + word);
  });
  return fmt::format("{}", fmt::join(words, " "));
}

void read_word(CaseDraw& draw, const std::string& key, const std::string& word) {
  bool known = false;
  visit_fields(draw, [&](const char* name, auto& value) {
    if (key != name) return;
    known = true;
    read(key, word, value);
  });
  if (!known) throw InputError("draw", "fields of CaseDraw (harness/draw/drawn_case.h)", "'" + key + "'");
}

}  // namespace

std::string to_line(const CaseDraw& draw) {
  const std::string words = words_of(draw, CaseDraw{});
  return words.empty() ? "family=" + draw.family : words;
}

CaseDraw draw_from_line(const std::string& line) {
  CaseDraw draw;
  std::set<std::string> seen;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    const auto equals = std::min(word.find('='), word.size());
    const std::string key = word.substr(0, equals);
    if (equals == word.size() || !seen.insert(key).second) throw InputError("draw", "each key=value once", word);
    read_word(draw, key, word.substr(equals + 1));
  }
  return draw;
}

}  // namespace attest::harness
