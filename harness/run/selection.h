#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// Which case files a command works on.
namespace attest::harness {

/// Where the fixtures are: `option` if not empty, else ATTEST_FIXTURES, else share/attest/fixtures beside the installed
/// program, else the source tree this program was built from. Throws InputError if that is no directory.
std::filesystem::path fixtures_directory(const std::string& option);

/// Every case of the manifest, in its order, after its SHA-256 values have been checked.
std::vector<std::filesystem::path> all_cases(const std::filesystem::path& fixtures);

/// Turns arguments into case files, without duplicates and in the order given. An argument is a file; a directory
/// (every .h5 below it); a glob over case names ("gqa/*") or, where no case's name matches, over files; or a case's
/// name
/// ("heads/grouped_query").
/// Throws InputError for an argument that selects nothing.
std::vector<std::filesystem::path> select_cases(const std::vector<std::string>& arguments,
                                                const std::filesystem::path& fixtures);

/// "heads/grouped_query" for a file of the fixtures that are taken where nobody names others; any other file as it is.
std::string name_or_file(const std::filesystem::path& file);

/// The group of cases that take long, which a run of everything leaves out unless it is asked for them.
inline constexpr const char* kLargerGroup = "larger";
std::vector<std::filesystem::path> without_larger(std::vector<std::filesystem::path> files);

/// The fixtures' folder, and the files that lie elsewhere, by their real names.
std::vector<std::filesystem::path> what_holds_answers(const std::vector<std::filesystem::path>& files,
                                                      const std::filesystem::path& fixtures);

/// "2/4": the second of four shards. Case i belongs to shard i mod 4 + 1.
struct Shard {
  std::size_t index = 1;
  std::size_t count = 1;
};

/// Throws InputError unless 1 <= I <= N.
Shard shard_from_text(const std::string& text);

/// Throws InputError if there are fewer files than shards: a shard without a case would pass without a proof.
std::vector<std::filesystem::path> take_shard(const std::vector<std::filesystem::path>& files, const Shard& shard);

}  // namespace attest::harness
