#include "fixtures/manifest.h"

#include <gtest/gtest.h>

#include <fstream>

#include "fixtures/error.h"
#include "property_tests/scratch_folder.h"

namespace attest {
namespace {

const std::string kHashOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class manifest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder_ / "group");
    std::ofstream(folder_ / "group/case.h5") << "abc";
    write(document(R"("group/case.h5")"));
  }

  void write(const std::string& text) { std::ofstream(folder_ / "manifest.json") << text; }

  static std::string document(const std::string& file, const std::string& cases = "1") {
    return R"({"schema": "attest.manifest", "schema_version": 1, "cases": )" + cases + R"(, "files": [{"file": )" +
           file + R"(, "sha256": ")" + kHashOfAbc + R"("}]})";
  }

  void expect_malformed(const std::string& text) {
    write(text);
    try {
      read_manifest(folder_.path());
      ADD_FAILURE() << "accepted: " << text;
    } catch (const InputError& error) {
      EXPECT_EQ(error.field, (folder_ / "manifest.json").string()) << error.what();
    }
  }

  void expect_wrong(const std::string& file) {
    try {
      check_manifest(read_manifest(folder_.path()));
      ADD_FAILURE() << "accepted, although " << file << " is wrong";
    } catch (const InputError& error) {
      EXPECT_EQ(error.field, (folder_ / file).string()) << error.what();
    }
  }

  property_tests::ScratchFolder folder_;
};

TEST_F(manifest, lists_files_and_their_hashes) {
  const auto read = read_manifest(folder_.path());
  ASSERT_EQ(read.files.size(), 1u);
  EXPECT_EQ(read.files[0].file, "group/case.h5");
  EXPECT_EQ(read.files[0].sha256, kHashOfAbc);
  EXPECT_NO_THROW(check_manifest(read));
}

TEST_F(manifest, malformed_or_missing_is_refused) {
  expect_malformed("");
  expect_malformed("{");
  expect_malformed("[]");
  expect_malformed("null");
  expect_malformed("{\"schema\": \"\xFF\"}");
  expect_malformed(R"({"schema": "attest.manifest", "schema_version": 1, "cases": 0})");
  expect_malformed(R"({"schema": "other", "schema_version": 1, "cases": 0, "files": []})");
  expect_malformed(R"({"schema": "attest.manifest", "schema_version": 2, "cases": 0, "files": []})");
  expect_malformed(R"({"schema": "attest.manifest", "schema_version": 1, "cases": 0, "files": {}})");
  expect_malformed(R"({"schema": "attest.manifest", "schema_version": 1, "cases": 0, "files": [], "more": 1})");
  expect_malformed(document(R"("group/case.h5")", "2"));
  expect_malformed(document(R"("group/case.h5")", "1.0"));
  expect_malformed(document("7"));
  expect_malformed(document(R"("/etc/passwd")"));
  expect_malformed(document(R"("../case.h5")"));
  expect_malformed(document(R"("")"));
  std::filesystem::remove(folder_ / "manifest.json");
  EXPECT_THROW(read_manifest(folder_.path()), InputError);
  EXPECT_THROW(read_manifest(folder_ / "nowhere"), InputError);
}

TEST_F(manifest, a_changed_a_missing_and_an_unlisted_file_are_named) {
  std::ofstream(folder_ / "group/other.h5") << "x";
  expect_wrong("group/other.h5");
  std::filesystem::remove(folder_ / "group/other.h5");
  std::ofstream(folder_ / "group/case.h5") << "abd";
  expect_wrong("group/case.h5");
  std::filesystem::remove(folder_ / "group/case.h5");
  expect_wrong("group/case.h5");
}

}  // namespace
}  // namespace attest
