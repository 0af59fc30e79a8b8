#pragma once

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "fixtures/case_file.h"

namespace attest {

/// Every case file below the folder with the recorded cases, sorted by name. Throws if there is none: a test that loops
/// over nothing must not pass.
inline std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(ATTEST_FIXTURES)) {
    if (entry.path().extension() == ".h5") files.push_back(entry.path());
  }
  if (files.empty()) throw std::runtime_error("no case files in " ATTEST_FIXTURES);
  std::ranges::sort(files);
  return files;
}

/// The case's layer cannot be constructed: torchtune's own constructor raised.
inline bool constructor_raises(const Case& item) {
  return std::ranges::any_of(
      item.steps, [](const Step& step) { return step.error && step.error->where == RaisedError::Where::constructor; });
}

}  // namespace attest
