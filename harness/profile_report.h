#pragma once

#include <string>
#include <vector>

#include "harness/fingerprint.h"
#include "harness/profile.h"

namespace attest::harness {

inline constexpr int kProfileSchemaVersion = 1;

/// What the terminal shows of one work item, several lines.
std::string profile_text(const ProfileResult& result);

/// The same as docs/json_report.md describes it, under "Profiles".
std::string profile_json(const std::vector<ProfileResult>& results, const Fingerprint& fingerprint,
                         const std::vector<std::string>& command, bool complete);

}  // namespace attest::harness
