#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "fixtures/generator.h"
#include "property_tests/arbitrary_case.h"
#include "property_tests/scratch_folder.h"

/// Damaged files: whatever the damage, reading gives a case or an InputError, never a crash.
namespace attest::property_tests {
namespace {

class case_file_damage : public testing::Test {
 protected:
  void SetUp() override {
    write_case(arbitrary_case({.s_x = 1, .n_kv = 1, .q_per_kv = 1, .half_head_dim = 1}), folder_ / "whole.h5");
    std::ifstream stream(folder_ / "whole.h5", std::ios::binary);
    whole_.assign(std::istreambuf_iterator<char>(stream), {});
    ASSERT_GT(whole_.size(), 1000u);
  }

  /// "" if the bytes are read as a case, else the error's field.
  std::string outcome(const std::string& bytes) {
    std::ofstream(folder_ / "damaged.h5", std::ios::binary) << bytes;
    try {
      read_case(folder_ / "damaged.h5");
      return "";
    } catch (const InputError& error) {
      return error.field;
    }
  }

  ScratchFolder folder_;
  std::string whole_;
};

TEST_F(case_file_damage, a_truncated_file_is_refused_by_name) {
  EXPECT_EQ(outcome(whole_), "");
  for (std::size_t length = 0; length < whole_.size(); length += length < 256 ? 1 : 61) {
    ASSERT_TRUE(outcome(whole_.substr(0, length)).starts_with((folder_ / "damaged.h5").string())) << length;
  }
}

TEST_F(case_file_damage, flipped_bytes_give_an_error_or_a_case) {
  int refused = 0;
  for (std::uint64_t round = 0; round < 1000; ++round) {
    auto bytes = whole_;
    for (std::uint64_t flip = 0; flip < 1 + counter_bits(round, 0, 0) % 3; ++flip) {
      const auto bits = counter_bits(round, 1, flip);
      bytes[(bits >> 16) % bytes.size()] = static_cast<char>(bits & 0xFFu);
    }
    const auto field = outcome(bytes);
    ASSERT_TRUE(field.empty() || field.starts_with((folder_ / "damaged.h5").string())) << round << ": " << field;
    refused += field.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace attest::property_tests
