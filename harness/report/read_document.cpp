#include "harness/report/read_document.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "fixtures/error.h"
#include "harness/report/json_report.h"
#include "harness/report/profile_report.h"
#include "harness/report/selftest_report.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

const std::map<std::string, int> kVersions = {{"attest.report", kReportSchemaVersion},
                                              {"attest.profile", kProfileSchemaVersion},
                                              {"attest.selftest", kSelftestSchemaVersion}};

/// Pages have these in attributes and links, as they stand: no markup may come in there.
const std::set<std::string> kPlainWords = {"status", "area", "bug", "variant", "check", "of", "by", "fraction_of"};

void check_plain_words(const Json& item, const std::string& file) {
  const auto check = [&](const std::string& member, const std::string& word) {
    const auto is_plain = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
    if (!std::ranges::all_of(word, is_plain)) throw InputError(file + ": " + member, "a word", "'" + word + "'");
  };
  for (const auto& [member, value] : item.items()) {
    if (item.is_object()) check("a member's name", member);
    if (item.is_object() && value.is_string() && kPlainWords.contains(member)) check(member, value.get<std::string>());
    if (value.is_structured()) check_plain_words(value, file);
  }
}

}  // namespace

Json read_document(const std::filesystem::path& file) {
  std::ifstream stream(file);
  const bool is_there = stream.good();
  Json document = is_there ? Json::parse(stream, nullptr, false) : Json();
  const Json schema = document.is_object() ? document.value("schema", Json()) : Json();
  const auto known = kVersions.find(schema.is_string() ? schema.get<std::string>() : "");
  if (known == kVersions.end()) {
    throw InputError(file.string(), "a JSON report of attest verify, profile or selftest",
                     is_there ? "something else" : "a file that cannot be read");
  }
  if (const Json version = document.value("schema_version", Json()); version != known->second) {
    throw InputError(file.string(), "schema_version " + std::to_string(known->second), version.dump());
  }
  check_plain_words(document, file.string());
  return document;
}

}  // namespace attest::harness
