#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/machine/fingerprint.h"
#include "harness/report/terminal_style.h"
#include "harness/selftest/selftest.h"

/// What `attest selftest` says.
namespace attest::harness {

inline constexpr int kSelftestSchemaVersion = 2;

/// The kill matrix, bug by family with the check that noticed, the correct variants, and the verdict.
std::string selftest_text(const Selftest& selftest, const TerminalStyle& style);

/// The same and the evidence, as docs/json_report.md describes it.
nlohmann::ordered_json selftest_document(const Selftest& selftest, const Fingerprint& fingerprint,
                                         const std::vector<std::string>& command);

}  // namespace attest::harness
