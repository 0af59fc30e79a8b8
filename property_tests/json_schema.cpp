#include "property_tests/json_schema.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace attest::property_tests {
namespace {

using Json = nlohmann::json;
using Adapter = valijson::adapters::NlohmannJsonAdapter;

Json content_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error("no file " + file.string());
  return Json::parse(stream);
}

/// "attest.profile": docs/schema/profile.schema.json, with what it refers to beside it.
void fill(valijson::Schema& schema, const std::string& name) {
  const std::filesystem::path folder = ATTEST_SCHEMAS;
  const Json source = content_of(folder / (name.substr(name.find('.') + 1) + ".schema.json"));
  valijson::SchemaParser(valijson::SchemaParser::kDraft7)
      .populateSchema(
          Adapter(source), schema, [&](const std::string& uri) { return new Json(content_of(folder / uri)); },
          [](const Json* document) { delete document; });
}

const valijson::Schema& schema_of(const Json& report) {
  static std::map<std::string, valijson::Schema> schemas;
  const auto [entry, is_new] = schemas.try_emplace(report.at("schema"));
  if (is_new) fill(entry->second, entry->first);
  return entry->second;
}

}  // namespace

std::string breaches(const Json& report) {
  static const std::set<Json> kKnown = {"attest.report", "attest.profile", "attest.selftest"};
  if (!kKnown.contains(report.value("schema", Json()))) return "names no schema\n";
  valijson::ValidationResults results;
  if (valijson::Validator().validate(schema_of(report), Adapter(report), &results)) return "";
  std::string lines;
  for (const auto& breach : results) {
    for (const auto& step : breach.context) lines += step;
    lines += ": " + breach.description + "\n";
  }
  return lines;
}

Json valid_report(const std::filesystem::path& file) {
  Json report = content_of(file);
  EXPECT_EQ(breaches(report), "") << file;
  return report;
}

}  // namespace attest::property_tests
