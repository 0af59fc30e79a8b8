#include <gtest/gtest.h>

#include <filesystem>

#include "fixtures/error.h"
#include "fixtures/manifest.h"
#include "harness/machine/process_resources.h"
#include "harness/run/verify.h"
#include "property_tests/golden_cases.h"

/// One test for each file of the manifest: golden.<case>. Torchtune's own recording, the reference and the optimized
/// code on every usable target are judged; a gap is accepted only with its declared reason.
namespace attest::harness {
namespace {

class GoldenCase : public ::testing::Test {
 public:
  explicit GoldenCase(std::filesystem::path file) : file_(std::move(file)) {}

  void TestBody() override {
    const CaseOutcome outcome = verify_case(file_, line_up({{}, "all", {}}), {threads(), true});
    for (const auto& result : outcome.results) {
      EXPECT_TRUE(is_tolerable(result.status))
          << name_of(result.status) << " step " << result.step << " " << result.stage << " " << name_of(result.mode)
          << " " << label_of(result.judged) << ": e = " << result.comparison.e << ", " << result.message;
      EXPECT_FALSE(result.status == Status::skipped && result.message.empty());
    }
    EXPECT_TRUE(is_tolerable(outcome.status)) << name_of(outcome.status);
  }

 private:
  std::filesystem::path file_;
};

Manifest recorded_manifest() {
  try {
    return read_manifest(ATTEST_FIXTURES);
  } catch (const InputError&) {
    return {ATTEST_FIXTURES, {}};  // the count below fails
  }
}

TEST(golden, the_manifest_lists_every_recorded_case_and_nothing_else) {
  const Manifest manifest = read_manifest(ATTEST_FIXTURES);
  EXPECT_NO_THROW(check_manifest(manifest));
  EXPECT_GE(manifest.files.size(), 70u);
  EXPECT_EQ(manifest.files.size(), golden_files().size());
}

void register_cases() {
  for (const auto& entry : recorded_manifest().files) {
    const auto name = std::filesystem::path(entry.file).replace_extension().generic_string();
    const auto file = std::filesystem::path(ATTEST_FIXTURES) / entry.file;
    ::testing::RegisterTest("golden_case", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [file]() -> ::testing::Test* { return new GoldenCase(file); });
  }
}

}  // namespace
}  // namespace attest::harness

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  attest::harness::register_cases();
  return RUN_ALL_TESTS();
}
