#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "property_tests/file_content.h"

/// Includes point one way: to a library further up, and among the folders of one library never in a circle.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

/// What one library is made of, and the libraries, or of these the folders, that it may include.
struct Library {
  std::string name;
  Names folders;
  Names may_include;
};

const std::vector<Library> kLibraries = {
    {"fixtures", {"fixtures"}, {}},
    {"reference", {"reference"}, {"fixtures"}},
    {"optimized", {"optimized"}, {"fixtures"}},
    {"interface", {"harness"}, {}},
    {"bug_zoo", {"harness/bug_zoo"}, {"interface"}},
    {"judge", {"harness/verdict", "harness/explain", "harness/judge"}, {"fixtures", "reference"}},
    {"harness",
     {"harness/machine", "harness/isolation", "harness/lineup", "harness/draw", "harness/laws", "harness/coverage",
      "harness/search", "harness/run", "harness/profile", "harness/selftest"},
     {"fixtures", "reference", "optimized", "interface", "bug_zoo", "judge"}},
    {"builtin", {"harness/builtin"}, {"fixtures", "interface", "judge", "harness"}},
    // Reports know what a run came to, and nobody who had a part in it.
    {"reports",
     {"harness/report", "harness/report/document", "harness/report/html"},
     {"fixtures", "bug_zoo", "judge", "harness/machine", "harness/coverage", "harness/search", "harness/run",
      "harness/profile", "harness/selftest"}},
    {"command", {"harness/command"}, {"fixtures", "optimized", "interface", "bug_zoo", "judge", "harness", "reports"}},
};

/// For each folder of the rooms the folders that it includes, and for each of these a file that does.
using Includes = std::map<std::string, std::map<std::string, std::string>>;

Includes includes_of_the_rooms() {
  const fs::path source = ATTEST_SOURCE;
  const std::regex include("#include \"([^\"]+)/[^\"/]+\"");
  Includes includes;
  for (const char* room : {"fixtures", "reference", "optimized", "harness"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source / room)) {
      if (entry.path().extension() != ".h" && entry.path().extension() != ".cpp") continue;
      const std::string file = fs::relative(entry.path(), source).string();
      auto& of_folder = includes[fs::path(file).parent_path().string()];
      const std::string text = content_of(entry.path());
      for (std::sregex_iterator at(text.begin(), text.end(), include), end; at != end; ++at) {
        if (fs::exists(source / (*at)[1].str())) of_folder.emplace((*at)[1], file);
      }
    }
  }
  for (auto& [folder, of_folder] : includes) of_folder.erase(folder);
  return includes;
}

const Library* library_of(const std::string& folder) {
  const auto found = std::ranges::find_if(kLibraries, [&](const Library& one) { return one.folders.contains(folder); });
  return found == kLibraries.end() ? nullptr : &*found;
}

/// Folders that include each other in a circle: what is left when those are taken away that include nothing of the
/// rest.
Names in_a_circle(const Includes& includes) {
  Names left;
  for (const auto& [folder, of_folder] : includes) left.insert(folder);
  const auto is_free = [&](const std::string& folder) {
    return std::ranges::none_of(includes.at(folder), [&](const auto& other) { return left.contains(other.first); });
  };
  while (std::erase_if(left, is_free) > 0) {
  }
  return left;
}

TEST(includes, no_folders_include_each_other_in_a_circle) {
  EXPECT_EQ(in_a_circle(includes_of_the_rooms()), Names{});
  const Includes planted = {{"a", {{"b", ""}}}, {"b", {{"c", ""}}}, {"c", {{"b", ""}}}, {"d", {}}};
  EXPECT_EQ(in_a_circle(planted), (Names{"a", "b", "c"}));
}

TEST(includes, every_folder_belongs_to_a_library) {
  const Includes includes = includes_of_the_rooms();
  for (const auto& [folder, of_folder] : includes) EXPECT_NE(library_of(folder), nullptr) << folder;
  for (const auto& library : kLibraries) {
    for (const auto& folder : library.folders) EXPECT_TRUE(includes.contains(folder)) << folder << " is no folder";
  }
}

TEST(includes, a_library_includes_those_further_up_alone) {
  std::size_t tried = 0;
  for (const auto& [folder, of_folder] : includes_of_the_rooms()) {
    const Library* own = library_of(folder);
    for (const auto& [other, file] : of_folder) {
      const Library* theirs = library_of(other);
      if (own == nullptr || theirs == nullptr || own == theirs) continue;
      const bool allowed = own->may_include.contains(theirs->name) || own->may_include.contains(other);
      EXPECT_TRUE(allowed) << own->name << " includes " << theirs->name << ": " << file << " includes of " << other;
      ++tried;
    }
  }
  EXPECT_GT(tried, 50u);
}

}  // namespace
}  // namespace attest::property_tests
