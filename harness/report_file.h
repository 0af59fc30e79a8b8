#pragma once

#include <filesystem>
#include <string>

namespace attest::harness {

/// Throws InputError if a file cannot be written there: called before the work begins. A file or a directory without
/// any write permission is refused even where the user could override it. Nothing is left behind, nothing is changed.
void check_writable(const std::filesystem::path& file);

/// Writes to a temporary name beside `file`, then renames. Throws InputError; `file` is then as it was.
void write_atomically(const std::filesystem::path& file, const std::string& content);

}  // namespace attest::harness
