#pragma once

#include <string>
#include <vector>

#include "harness/machine/fingerprint.h"
#include "harness/profile/profile.h"
#include "harness/report/report_file.h"

namespace attest::harness {

/// `attest profile --sweep-blocking`: shows a table for each request and writes the reports. Returns the exit code: 1
/// if a bit changed with a constant on which none may depend.
int run_blocking_sweeps(const std::vector<ProfileRequest>& requests, const std::vector<ReportRequest>& reports,
                        const Fingerprint& fingerprint, const std::vector<std::string>& argv);

}  // namespace attest::harness
