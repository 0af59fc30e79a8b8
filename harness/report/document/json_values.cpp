#include "harness/report/document/json_values.h"

#include <cmath>

namespace attest::harness {

using Json = nlohmann::ordered_json;

Json json_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

Json fingerprint_json(const Fingerprint& fingerprint) {
  Json targets = Json::array();
  for (const auto& target : fingerprint.targets) {
    targets.push_back({{"target", target.name}, {"usable", target.usable}, {"reason", target.reason}});
  }
  return {{"attest", fingerprint.attest_version},
          {"cpu", fingerprint.cpu},
          {"operating_system", fingerprint.operating_system},
          {"compiler", fingerprint.compiler},
          {"build_type", fingerprint.build_type},
          {"threads", fingerprint.threads},
          {"targets", targets},
          {"chosen_target", fingerprint.chosen_target}};
}

}  // namespace attest::harness
