#pragma once

#include <algorithm>
#include <filesystem>
#include <vector>

#include "fixtures/case_file.h"

namespace attest {

/// Every case file below the folder with the recorded cases, sorted by name.
inline std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(ATTEST_FIXTURES)) {
    if (entry.path().extension() == ".h5") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

/// The case's layer cannot be constructed: torchtune's own constructor raised.
inline bool constructor_raises(const Case& item) {
  return std::ranges::any_of(
      item.steps, [](const Step& step) { return step.error && step.error->where == RaisedError::Where::constructor; });
}

}  // namespace attest
