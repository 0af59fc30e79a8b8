#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "property_tests/arbitrary_case.h"
#include "property_tests/scratch_folder.h"

/// Writing replaces a file completely or leaves everything as it was.
namespace attest::property_tests {
namespace {

class writing_a_case : public testing::Test {
 protected:
  void SetUp() override { std::ofstream(file_) << "older"; }

  void expect_refused_and_unchanged(const Case& item, const std::filesystem::path& file) {
    EXPECT_THROW(write_case(item, file), InputError);
    std::ostringstream older;
    older << std::ifstream(file_).rdbuf();
    EXPECT_EQ(older.str(), "older");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1) << "something is left behind";
  }

  ScratchFolder folder_;
  std::filesystem::path file_ = folder_ / "case.h5";
};

/// No file of this process grows beyond `bytes` while it lives: what a full disk does to a writer.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(writing_a_case, an_older_file_is_replaced) {
  write_case(arbitrary_case({}), file_);
  EXPECT_EQ(difference(read_case(file_), arbitrary_case({})), "");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(writing_a_case, a_full_disk_leaves_everything_as_it_was) {
  const SmallDisk disk(4096);
  expect_refused_and_unchanged(arbitrary_case({}), file_);
}

TEST_F(writing_a_case, a_folder_that_does_not_exist_is_refused) {
  expect_refused_and_unchanged(arbitrary_case({}), folder_ / "missing/case.h5");
  expect_refused_and_unchanged(arbitrary_case({}), folder_ / "case.h5/case.h5");
}

TEST_F(writing_a_case, a_read_only_folder_is_refused) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  std::filesystem::permissions(folder_.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  expect_refused_and_unchanged(arbitrary_case({}), file_);
}

TEST_F(writing_a_case, what_a_file_cannot_hold_is_refused) {
  const auto refused = [&](const auto& change) {
    auto item = arbitrary_case({.error = true});
    change(item);
    expect_refused_and_unchanged(item, file_);
  };
  refused([](Case& item) { item.description = std::string("zero\0byte", 9); });
  refused([](Case& item) { item.description = "\xC0\x80"; });
  refused([](Case& item) { item.steps.clear(); });
  refused([](Case& item) { item.steps.resize(1001, item.steps[1]); });
  refused([](Case& item) { item.layer.weights["a/b"] = Tensor(DType::float32, {1}); });
  refused([](Case& item) { item.layer.weights[""] = Tensor(DType::float32, {1}); });
  refused([](Case& item) { item.layer.weights["."] = Tensor(DType::float32, {1}); });
  refused([](Case& item) { item.steps[0].inputs.mask = BoolMask{Tensor(DType::float32, {1, 1, 1})}; });
  refused([](Case& item) { item.steps[0].inputs.mask = FloatMask{Tensor(DType::boolean, {1, 1, 1})}; });
  refused([](Case& item) { item.steps[0].inputs.mask = PackedBlockCausalMask{Tensor(DType::int32, {1, 1})}; });
  refused([](Case& item) { item.provenance[""] = "no name"; });
  refused([](Case& item) { item.provenance["long"] = std::string(100'000, 'x'); });
}

}  // namespace
}  // namespace attest::property_tests
