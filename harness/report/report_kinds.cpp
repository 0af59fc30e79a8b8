#include "harness/report/report_kinds.h"

#include <nlohmann/json.hpp>

#include "harness/report/html/page.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

std::string html_report(const Json& document) {
  const auto schema = document.at("schema").get<std::string>();
  if (schema == "attest.profile") return profile_page(document);
  return schema == "attest.selftest" ? selftest_page(document) : verify_page(document);
}

std::string content_of(const std::string& kind, const Json& document) {
  if (kind == "junit") return junit_report(document);
  if (kind == "html") return html_report(document);
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

void write_reports(const std::vector<ReportRequest>& reports, const Json& document) {
  for (const auto& [kind, file] : reports) write_atomically(file, content_of(kind, document));
}

}  // namespace attest::harness
