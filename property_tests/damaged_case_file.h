#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "property_tests/arbitrary_case.h"
#include "property_tests/hdf5_edit.h"
#include "property_tests/scratch_folder.h"

/// A case file to be damaged: what is wrong is then named by its path in the file.
namespace attest::property_tests {

/// Two steps (prefill, then decoding from the cache), a rotary embedding, norms, a mask, positions, and an error step.
inline ArbitraryCase full_choice() {
  ArbitraryCase choice;
  choice.y = 2;
  choice.cache = 1;
  choice.norm = choice.bias = choice.input_pos = choice.error = true;
  return choice;
}

class case_file : public testing::Test {
 protected:
  void SetUp() override { write_case(arbitrary_case(full_choice()), file_); }

  /// Expects that reading fails at `path` inside the file, and that the file is the first word of the error.
  void expect_refused(const std::filesystem::path& file, const std::string& path) {
    try {
      read_case(file);
      ADD_FAILURE() << "accepted, although " << path << " is wrong";
    } catch (const InputError& error) {
      EXPECT_EQ(error.field, file.string() + ": " + path) << error.what();
      EXPECT_FALSE(error.expected.empty());
    }
  }

  void expect_refused_after(const std::string& path, const std::function<void(Hdf5Edit&)>& change) {
    write_case(arbitrary_case(full_choice()), file_);
    {
      Hdf5Edit edit(file_);
      change(edit);
    }
    expect_refused(file_, path);
  }

  ScratchFolder folder_;
  std::filesystem::path file_ = folder_ / "case.h5";
};

}  // namespace attest::property_tests
