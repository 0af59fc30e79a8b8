#include "harness/search/replay_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <iomanip>
#include <map>
#include <sstream>

#include "fixtures/error.h"
#include "harness/draw/draw_line.h"

namespace attest::harness {
namespace {

using Words = std::map<std::string, std::string>;

Words words_of(const std::string& text) {
  Words words;
  std::istringstream in(text);
  for (std::string key, value; in >> std::ws && std::getline(in, key, '=');) {
    if (!(in >> std::quoted(value)) || !words.emplace(key, value).second) {
      throw InputError("replay", "each key=value once", "'" + key + "'");
    }
  }
  return words;
}

std::string take(Words& words, const std::string& key) {
  const auto found = words.find(key);
  if (found == words.end()) throw InputError("replay", key + "=...", "a line without it");
  std::string value = found->second;
  words.erase(found);
  return value;
}

std::optional<std::uint64_t> take_hash(Words& words, const std::string& key) {
  if (!words.contains(key)) return std::nullopt;
  const std::string text = take(words, key);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) throw InputError(key, "hexadecimal digits", text);
  return value;
}

/// What is left of the words, as a draw.
NamedDraw draw_of(const Words& words) {
  NamedDraw drawn;
  std::string line;
  for (const auto& [key, value] : words) {
    line += key + "=" + value + " ";
    drawn.named.insert(key);
  }
  drawn.draw = draw_from_line(line);
  return drawn;
}

LawLine law_line(Words words) {
  LawLine line;
  line.law = take(words, "law");
  line.implementation = take(words, "implementation");
  line.inputs = take_hash(words, "inputs");
  line.outputs = take_hash(words, "outputs");
  line.draw = draw_of(words);
  return line;
}

QuestionsLine::Question question(Words words) {
  QuestionsLine::Question asked;
  asked.law = take(words, "law");
  asked.draw = draw_of(words);
  return asked;
}

/// "a b then c" -> "a b", "c"
std::vector<std::string> parts_of(const std::string& text) {
  constexpr std::string_view kThen = " then ";
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t at; (at = text.find(kThen, begin)) != text.npos; begin = at + kThen.size()) {
    parts.push_back(text.substr(begin, at - begin));
  }
  parts.push_back(text.substr(begin));
  return parts;
}

QuestionsLine questions_line(const std::string& text) {
  const std::vector<std::string> parts = parts_of(text);
  Words first = words_of(parts.front());
  QuestionsLine line;
  line.implementation = take(first, "implementation");
  line.questions.push_back(question(std::move(first)));
  for (std::size_t at = 1; at < parts.size(); ++at) line.questions.push_back(question(words_of(parts[at])));
  return line;
}

RecordedLine recorded_line(Words words) {
  RecordedLine line;
  line.recorded = take(words, "case");
  line.step = std::atoll(take(words, "step").c_str());
  line.stage = take(words, "stage");
  line.mode = take(words, "mode");
  line.implementation = take(words, "implementation");
  if (words.contains("after")) {
    std::istringstream names(take(words, "after"));
    for (std::string name; std::getline(names, name, ',');) line.after.push_back(name);
  }
  if (!words.empty()) throw InputError("replay", "case, step, stage, mode, implementation", words.begin()->first);
  return line;
}

}  // namespace

std::string in_line(const std::string& value) {
  if (!value.empty() && value.find_first_of(" \"\\") == value.npos) return value;
  std::ostringstream text;
  text << std::quoted(value);
  return text.str();
}

std::string to_line(const Evidence& evidence) {
  return fmt::format("law={} implementation={} {} inputs={:016x} outputs={:016x}", evidence.law->name,
                     in_line(label_of(evidence.judged)), to_line(evidence.draw), evidence.inputs, evidence.outputs);
}

std::string to_line(const Result& result, const std::string& recorded, const std::vector<std::string>& after) {
  const std::string before = after.empty() ? "" : " after=" + in_line(fmt::format("{}", fmt::join(after, ",")));
  return fmt::format("case={} step={} stage={} mode={} implementation={}{}", in_line(recorded), result.step,
                     result.stage, name_of(result.mode), in_line(label_of(result.judged)), before);
}

std::string replay_command(std::string line) {
  for (std::size_t at = 0; (at = line.find('\'', at)) != line.npos; at += 4) line.replace(at, 1, "'\\''");
  return "attest replay '" + line + "'";
}

ReplayLine replay_line(const std::string& text) {
  if (parts_of(text).size() > 1) return questions_line(text);
  const Words words = words_of(text);
  if (words.contains("law")) return law_line(words);
  if (words.contains("case")) return recorded_line(words);
  throw InputError("replay", "a line with law=... or case=...", "'" + text + "'");
}

}  // namespace attest::harness
