#include "harness/command/completion.h"

#include <algorithm>
#include <cctype>

#include "fixtures/manifest.h"
#include "harness/bug_zoo/bugs.h"
#include "harness/command/visible.h"
#include "harness/profile/named_layer.h"
#include "harness/run/selection.h"
#include "optimized/target.h"

namespace attest::harness {
namespace {

std::vector<Completion> recorded_cases() {
  std::vector<Completion> cases;
  for (const auto& entry : read_manifest(fixtures_directory("")).files) {
    cases.push_back({std::filesystem::path(entry.file).replace_extension().generic_string(), ""});
  }
  return cases;
}

std::vector<Completion> layers() {
  std::vector<Completion> layers;
  for (const auto& name : layer_names()) layers.push_back({name, ""});
  return layers;
}

std::vector<Completion> targets() {
  std::vector<Completion> targets;
  for (const auto& status : optimized::targets()) {
    if (status.usable) targets.push_back({std::string(name_of(status.target)), status.reason});
  }
  return targets;
}

std::vector<Completion> planted_bugs() {
  std::vector<Completion> bugs;
  for (const auto& bug : bug_zoo::kPlantedBugs) bugs.push_back({std::string(bug.name), std::string(bug.sentence)});
  return bugs;
}

/// What a value's name in the help stands for: a name in capitals for its values, any other word for itself. What comes
/// before a name in capitals ("json=FILE") is completed alone.
std::vector<Completion> values_of(const std::string& name) {
  if (name == "CASE") return recorded_cases();
  if (name == "LAYER") return layers();
  if (name == "TARGET") return targets();
  if (name == "BUG") return planted_bugs();
  const auto last =
      std::ranges::find_if_not(name.rbegin(), name.rend(), [](unsigned char c) { return std::isupper(c); });
  const std::string word(name.begin(), last.base());
  return word.empty() ? std::vector<Completion>{} : std::vector<Completion>{{word, ""}};
}

/// The values of an option whose beginning is typed: its help names them, separated by '|'.
std::vector<Completion> values_of(const CLI::Option& option, const std::string& typed) {
  const std::string help = option.get_positional() ? option.get_name(true) : option.get_type_name();
  const std::string names = help.substr(0, help.find(':'));  // what follows is the range of a number
  // Of "a,b,c" only the c is still open.
  const std::size_t done = option.get_delimiter() == ',' ? typed.rfind(',') + 1 : 0;
  std::vector<Completion> values;
  for (const auto& name : CLI::detail::split(names, '|')) {
    for (auto& value : values_of(name)) values.push_back({typed.substr(0, done) + value.word, value.description});
  }
  return values;
}

/// The commands, and the values of the arguments without a dash.
std::vector<Completion> plain_words(const CLI::App& command, const std::string& typed) {
  std::vector<Completion> words;
  for (const CLI::App* sub : visible_commands(command)) words.push_back({sub->get_name(), sub->get_description()});
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) std::ranges::move(values_of(*option, typed), std::back_inserter(words));
  }
  return words;
}

std::vector<Completion> option_names(const CLI::App& command) {
  std::vector<Completion> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back({"--" + name, option->get_description()});
  }
  return names;
}

/// Where the words lead: the command that they name, and the option that waits for its value, or null.
struct Place {
  const CLI::App* command;
  const CLI::Option* waiting = nullptr;
};

Place place_after(const CLI::App& program, const std::vector<std::string>& words) {
  Place place{&program};
  for (const auto& word : words) {
    if (place.waiting != nullptr) {
      place.waiting = nullptr;
    } else if (word.starts_with("-")) {
      const CLI::Option* option = place.command->get_option_no_throw(word);
      if (option != nullptr && option->get_items_expected_max() > 0) place.waiting = option;
    } else {
      for (const CLI::App* sub : visible_commands(*place.command)) {
        if (sub->get_name() == word) place.command = sub;
      }
    }
  }
  return place;
}

/// "--layer=tin" -> the option's values, each with "--layer=" before it.
std::vector<Completion> assigned_values(const CLI::App& command, const std::string& typed, std::size_t equals) {
  const CLI::Option* option = command.get_option_no_throw(typed.substr(0, equals));
  if (option == nullptr) return {};
  std::vector<Completion> values = values_of(*option, typed.substr(equals + 1));
  for (auto& value : values) value.word.insert(0, typed, 0, equals + 1);
  return values;
}

std::vector<Completion> candidates(const Place& place, const std::string& typed) {
  if (place.waiting != nullptr) return values_of(*place.waiting, typed);
  if (!typed.starts_with("-")) return plain_words(*place.command, typed);
  const std::size_t equals = typed.find('=');
  return equals == std::string::npos ? option_names(*place.command) : assigned_values(*place.command, typed, equals);
}

}  // namespace

std::vector<Completion> completions(const CLI::App& program, const std::vector<std::string>& words) {
  const std::string typed = words.empty() ? "" : words.back();
  const std::vector<std::string> before(words.begin(), words.empty() ? words.end() : words.end() - 1);
  std::vector<Completion> found = candidates(place_after(program, before), typed);
  std::erase_if(found, [&](const Completion& completion) { return !completion.word.starts_with(typed); });
  return found;
}

}  // namespace attest::harness
