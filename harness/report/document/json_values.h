#pragma once

#include <nlohmann/json.hpp>

#include "harness/machine/fingerprint.h"

/// Values that every JSON report writes alike.
namespace attest::harness {

/// The member `environment` of every JSON report.
nlohmann::ordered_json fingerprint_json(const Fingerprint& fingerprint);

/// JSON has no infinity and no NaN; they become the strings "inf", "-inf" and "nan".
nlohmann::ordered_json json_number(double value);

}  // namespace attest::harness
