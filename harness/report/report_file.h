#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace attest::harness {

/// Throws InputError if a file cannot be written there: called before the work begins. A file or a directory without
/// any write permission is refused even where the user could override it. Nothing is left behind, nothing is changed.
void check_writable(const std::filesystem::path& file);

/// One --report KIND=FILE.
struct ReportRequest {
  std::string kind;
  std::filesystem::path file;
};

/// What --report takes, for its help: "json=FILE|junit=FILE".
std::string report_values(const std::vector<std::string>& kinds);

/// What --report was given, after checking that each kind is one of `kinds` and each file can be written. Throws
/// InputError.
std::vector<ReportRequest> report_requests(const std::vector<std::string>& reports,
                                           const std::vector<std::string>& kinds);

/// Writes to a temporary name beside `file`, then renames. Throws InputError; `file` is then as it was.
void write_atomically(const std::filesystem::path& file, const std::string& content);

}  // namespace attest::harness
