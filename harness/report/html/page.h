#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

/// What the pages of verify, profile and selftest have in common. Each is one file that needs nothing else: no network,
/// and no JavaScript to be read.
namespace attest::harness {

/// A part of a page; without content it is left out.
struct Section {
  std::string_view id, title;
  std::string content;
};

/// The whole file. `document` is a JSON report of any kind; `command` is what made it: "attest verify".
std::string page(const nlohmann::ordered_json& document, std::string_view command,
                 const std::vector<Section>& sections);

/// A choice of rows by their attribute data-NAME.
struct RowChoice {
  std::string_view name, label;
  std::vector<std::string> values;
};

/// Controls that page.js puts to work on the table with this id; `rows` is what its rows are: "cases".
std::string filter_form(std::string_view table_id, std::string_view rows, const std::vector<RowChoice>& choices);

// The pages, each made of the JSON report's document of its command.
std::string verify_page(const nlohmann::ordered_json& document);
std::string profile_page(const nlohmann::ordered_json& document);
std::string selftest_page(const nlohmann::ordered_json& document);

}  // namespace attest::harness
