#include <gtest/gtest.h>

#include <set>

#include "fixtures/case_file.h"
#include "fixtures/manifest.h"
#include "property_tests/arbitrary_case.h"
#include "property_tests/scratch_folder.h"

/// Every recorded case of fixtures/data, as the repository holds it.
namespace attest::property_tests {
namespace {

const std::filesystem::path kData = ATTEST_FIXTURES_DATA;

TEST(recorded_cases, are_those_of_the_manifest_byte_for_byte) {
  const auto manifest = read_manifest(kData);
  EXPECT_FALSE(manifest.files.empty());
  check_manifest(manifest);
}

TEST(recorded_cases, are_all_read_and_named_after_their_file) {
  for (const auto& entry : read_manifest(kData).files) {
    SCOPED_TRACE(entry.file);
    const auto item = read_case(kData / entry.file);
    EXPECT_EQ(item.name + ".h5", entry.file);
    EXPECT_FALSE(item.description.empty());
    EXPECT_FALSE(item.provenance.empty());
  }
}

TEST(recorded_cases, survive_being_written_by_cpp) {
  const ScratchFolder folder;
  for (const auto& entry : read_manifest(kData).files) {
    const auto item = read_case(kData / entry.file);
    write_case(item, folder / "copy.h5");
    EXPECT_EQ(difference(item, read_case(folder / "copy.h5")), "") << entry.file;
  }
}

}  // namespace
}  // namespace attest::property_tests
