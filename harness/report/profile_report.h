#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/machine/fingerprint.h"
#include "harness/profile/profile.h"
#include "harness/report/terminal_style.h"

namespace attest::harness {

inline constexpr int kProfileSchemaVersion = 3;

/// What the terminal shows of one work item, several lines.
std::string profile_text(const ProfileResult& result, const TerminalStyle& style);

/// How the same work scales over numbers of threads, without invalid items; empty if each has one number only.
std::string scaling_text(const std::vector<ProfileResult>& results);

/// The last line: how many of the `requested` items passed, how near they came to their limits, how wrong they were.
std::string profile_verdict(const std::vector<ProfileResult>& results, std::size_t requested,
                            const TerminalStyle& style);

/// The same as docs/json_report.md describes it, under "Profiles".
/// Interrupted if it holds fewer items than the `requested`.
nlohmann::ordered_json profile_document(const std::vector<ProfileResult>& results, std::size_t requested,
                                        const Fingerprint& fingerprint, const std::vector<std::string>& command);

/// What reports of profiles are made of: what was timed, a timing, and a ratio of timings.
nlohmann::ordered_json request_json(const ProfileRequest& request);
nlohmann::ordered_json timing_json(const Timing& timing);
nlohmann::ordered_json ratio_json(const Timing& each, const Interval& interval);

}  // namespace attest::harness
