#include "harness/report/html/page.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/report/document/markup.h"
#include "harness/report/html/assets.h"
#include "harness/report/html/element.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

/// The browser itself refuses whatever the page would load from elsewhere.
constexpr auto kPolicy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

std::string command_line(const Json& document) {
  std::string line;
  for (const auto& word : document.at("command")) {
    const auto text = word.get<std::string>();
    line += line.empty() ? std::filesystem::path(text).filename().string() : " " + text;
  }
  return line;
}

std::string fact(std::string_view name, const std::string& text) {
  return text_element("dt", name) + text_element("dd", text);
}

std::string targets_text(const Json& targets) {
  std::string text;
  for (const auto& target : targets) {
    text += (text.empty() ? "" : ", ") + target.at("target").get<std::string>();
    if (!target.at("usable").get<bool>()) text += " (" + target.at("reason").get<std::string>() + ")";
  }
  return text;
}

std::string circumstances(const Json& document) {
  const auto& environment = document.at("environment");
  const auto word = [&](const char* member) { return environment.at(member).get<std::string>(); };
  const std::string facts = fact("attest", word("attest") + ", " + word("build_type") + ", " + word("compiler")) +
                            fact("machine", word("cpu") + ", " + word("operating_system")) +
                            fact("targets", targets_text(environment.at("targets")));
  std::string brief = fmt::format("{}, {} threads", word("cpu"), environment.at("threads").get<int>());
  if (document.contains("seconds")) brief += fmt::format(", {:.1f} s", document.at("seconds").get<double>());
  return element("details class=circumstances", text_element("summary", brief) + element("dl", facts));
}

std::string navigation(const std::vector<Section>& sections) {
  std::string links;
  for (const auto& [id, title, content] : sections) {
    if (!content.empty()) links += text_element(fmt::format("a href=#{}", id), title);
  }
  return element("nav aria-label=\"Parts of this page\"", links);
}

std::string body_of(const std::vector<Section>& sections) {
  std::string body;
  for (const auto& [id, title, content] : sections) {
    if (content.empty()) continue;
    body += element(fmt::format("section aria-labelledby={}", id),
                    text_element(fmt::format("h2 id={} tabindex=-1", id), title) + content);
  }
  return element("main", body);
}

std::string options_of(const std::vector<std::string>& values) {
  std::string options = "<option value=\"\">any</option>";
  for (const auto& value : values) options += text_element("option", value);
  return options;
}

}  // namespace

std::string filter_form(std::string_view table_id, std::string_view rows, const std::vector<RowChoice>& choices) {
  std::string controls = element("label", "Words <input type=search name=text autocomplete=off>");
  for (const auto& [name, label, values] : choices) {
    controls += element("label", escaped(label) + element(fmt::format("select name={}", name), options_of(values)));
  }
  return element(fmt::format("form class=filter hidden data-table={} data-rows=\"{}\"", table_id, escaped(rows)),
                 controls + "<output aria-live=polite></output>");
}

std::string page(const Json& document, std::string_view command, const std::vector<Section>& sections) {
  const auto status = document.at("status").get<std::string>();
  const std::string head =
      "<meta charset=utf-8>\n" + fmt::format("<meta http-equiv=Content-Security-Policy content=\"{}\">\n", kPolicy) +
      "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=icon href=\"data:,\">\n" +
      text_element("title", fmt::format("{}: {}", command, status)) + element("style", kStyleSheet);
  const std::string header = element("header", element("h1", escaped(command) + " " + status_word(status)) +
                                                   text_element("code class=command", command_line(document)) +
                                                   circumstances(document) + navigation(sections));
  return "<!doctype html>\n" +
         element("html lang=en",
                 element("head", head) + element("body", header + body_of(sections) +
                                                             element("footer", "Made by attest. Needs no network.") +
                                                             element("script", kScript)));
}

}  // namespace attest::harness
