#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Runs the commands that a document shows.
namespace attest::property_tests {

/// Runs every line of every block ```sh in `folder`, one after the other, and returns what is wrong, a sentence each:
/// a line that fails, or an ```output block after it that its output does not match ("..." there stands for anything).
/// Notes after the word sh:
///   no-test REASON   not run, for a reason that the reader sees; only that --help knows the options is tried, for
///   attest
///                    and for scripts
///   exits CODE       the last line of the block exits so, and has to
std::vector<std::string> wrong_commands(std::string_view document, const std::filesystem::path& folder,
                                        const std::map<std::string, std::string>& environment = {});

/// Whether the parts of the pattern between "..." come one after the other in the text, and nothing else does.
bool matches(std::string_view text, std::string_view pattern);

}  // namespace attest::property_tests
