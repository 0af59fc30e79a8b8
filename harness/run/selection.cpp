#include "harness/run/selection.h"

#include <fnmatch.h>
#include <glob.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>

#include "fixtures/error.h"
#include "fixtures/manifest.h"
#include "harness/machine/own_files.h"

namespace attest::harness {
namespace {

namespace fs = std::filesystem;
using Files = std::vector<fs::path>;

Files case_files_below(const fs::path& directory) {
  Files files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (at->is_regular_file() && at->path().extension() == ".h5") files.push_back(at->path());
  }
  if (error) throw InputError(directory.string(), "a readable directory", error.message());
  std::ranges::sort(files);
  return files;
}

Files files_of_glob(const std::string& pattern) {
  glob_t found = {};
  Files files;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return files;
}

/// Where nobody names others.
fs::path default_fixtures() {
  const char* variable = std::getenv("ATTEST_FIXTURES");
  if (variable != nullptr && *variable != '\0') return variable;
  return own_file(ATTEST_INSTALLED_FIXTURES, ATTEST_SOURCE_FIXTURES);
}

Files cases_named_like(const std::string& pattern, const fs::path& fixtures) {
  Files files;
  for (const auto& file : case_files_below(fixtures)) {
    const std::string name = fs::relative(file, fixtures).replace_extension().generic_string();
    if (::fnmatch(pattern.c_str(), name.c_str(), 0) == 0) files.push_back(file);
  }
  return files;
}

Files expand_directory(const fs::path& directory) {
  Files files = case_files_below(directory);
  if (files.empty()) throw InputError(directory.string(), "a directory that holds case files (*.h5)", "none");
  return files;
}

Files expand_glob(const std::string& pattern, const fs::path& fixtures) {
  Files files = cases_named_like(pattern, fixtures);
  if (!files.empty()) return files;
  for (const auto& match : files_of_glob(pattern)) {
    const Files expanded = fs::is_directory(match) ? case_files_below(match) : Files{match};
    files.insert(files.end(), expanded.begin(), expanded.end());
  }
  if (files.empty()) throw InputError(pattern, "a pattern that matches a case file or a case's name", "no match");
  return files;
}

Files expand(const std::string& argument, const fs::path& fixtures) {
  std::error_code ignored;
  if (fs::is_directory(argument, ignored)) return expand_directory(argument);
  if (fs::exists(argument, ignored)) return {argument};
  if (argument.find_first_of("*?[") != std::string::npos) return expand_glob(argument, fixtures);
  const fs::path named = fixtures / argument;
  if (fs::is_regular_file(named.string() + ".h5", ignored)) return {named.string() + ".h5"};
  if (!argument.empty() && fs::is_directory(named, ignored)) return expand_directory(named);
  throw InputError(argument, "a case file, a directory, a glob, or a case's name in " + fixtures.string(),
                   "nothing of that name");
}

std::size_t positive_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

}  // namespace

fs::path fixtures_directory(const std::string& option) {
  std::error_code ignored;
  const fs::path directory = option.empty() ? default_fixtures() : fs::path(option);
  if (!fs::is_directory(directory, ignored)) {
    throw InputError("--fixtures", "a directory with case files and manifest.json", directory.string());
  }
  return directory.lexically_normal();
}

Files all_cases(const fs::path& fixtures) {
  const Manifest manifest = read_manifest(fixtures);
  check_manifest(manifest);
  if (manifest.files.empty()) throw InputError(fixtures.string(), "a manifest that lists cases", "an empty list");
  Files files;
  for (const auto& entry : manifest.files) files.push_back(fixtures / entry.file);
  return files;
}

Files select_cases(const std::vector<std::string>& arguments, const fs::path& fixtures) {
  Files selected;
  std::set<fs::path> seen;
  for (const auto& argument : arguments) {
    for (auto& file : expand(argument, fixtures)) {
      if (seen.insert(fs::weakly_canonical(file)).second) selected.push_back(std::move(file));
    }
  }
  return selected;
}

std::string name_or_file(const fs::path& file) {
  std::error_code ignored;
  const fs::path inside = fs::relative(file, default_fixtures(), ignored);
  const bool is_fixture = !inside.empty() && *inside.begin() != ".." && !inside.is_absolute();
  return is_fixture ? fs::path(inside).replace_extension().generic_string() : file.string();
}

Files without_larger(Files files) {
  std::erase_if(files, [](const fs::path& file) { return file.parent_path().filename() == kLargerGroup; });
  return files;
}

Files what_holds_answers(const Files& files, const fs::path& fixtures) {
  Files found = {fs::canonical(fixtures)};
  for (const auto& file : files) {
    fs::path real = fs::canonical(file);
    if (*real.lexically_relative(found.front()).begin() == "..") found.push_back(std::move(real));
  }
  return found;
}

Shard shard_from_text(const std::string& text) {
  const std::size_t slash = text.find('/');
  Shard shard;
  if (slash != std::string::npos) {
    shard.index = positive_number(std::string_view(text).substr(0, slash));
    shard.count = positive_number(std::string_view(text).substr(slash + 1));
  }
  if (slash == std::string::npos || shard.index < 1 || shard.index > shard.count) {
    throw InputError("--shard", "I/N with 1 <= I <= N", text);
  }
  return shard;
}

Files take_shard(const Files& files, const Shard& shard) {
  if (shard.count > files.size()) {
    throw InputError("--shard", "at most one shard for each of the " + std::to_string(files.size()) + " selected cases",
                     std::to_string(shard.count) + " shards");
  }
  Files mine;
  for (std::size_t i = shard.index - 1; i < files.size(); i += shard.count) mine.push_back(files[i]);
  return mine;
}

}  // namespace attest::harness
