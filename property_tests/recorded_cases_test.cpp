#include <gtest/gtest.h>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "fixtures/layer_shapes.h"
#include "fixtures/manifest.h"
#include "fixtures/validate.h"
#include "property_tests/arbitrary_case.h"
#include "property_tests/scratch_folder.h"

/// Every recorded case of fixtures/data, as the repository holds it.
namespace attest::property_tests {
namespace {

const std::filesystem::path kData = ATTEST_FIXTURES;

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

/// The field that is refused when the layer is constructed and then called step by step up to `step`; "" if none is.
std::string refused_field(const Case& item, const Step& step, std::int64_t filled) {
  try {
    validate_layer(item.layer);
    validate_call(item.layer, step.inputs, filled);
    return "";
  } catch (const InputError& error) {
    return error.field;
  }
}

TEST(recorded_cases, what_torchtune_refused_is_refused_here_for_the_same_reason_and_nothing_else_is) {
  for (const auto& entry : read_manifest(kData).files) {
    const auto item = read_case(kData / entry.file);
    std::int64_t filled = 0;
    for (const auto& step : item.steps) {
      if (step.reset_cache) filled = 0;
      EXPECT_EQ(refused_field(item, step, filled), step.error ? step.error->field : "") << entry.file;
      const auto* y = key_value_input(step.inputs);
      if (!step.error && y != nullptr && enabled_cache(item.layer.config) != nullptr) filled += y->dim(1);
    }
  }
}

std::uintmax_t weight_bytes(const Case& item) {
  std::uintmax_t bytes = 0;
  for (const auto& [name, tensor] : item.layer.weights) bytes += tensor.bytes().size();
  return bytes;
}

TEST(recorded_cases, that_store_their_weights_survive_being_written_by_cpp) {
  const ScratchFolder folder;
  int written = 0;
  for (const auto& entry : read_manifest(kData).files) {
    const auto item = read_case(kData / entry.file);
    if (weight_bytes(item) > std::filesystem::file_size(kData / entry.file)) continue;  // generated: tens of MiB
    write_case(item, folder / "copy.h5");
    EXPECT_EQ(difference(item, read_case(folder / "copy.h5")), "") << entry.file;
    ++written;
  }
  EXPECT_GT(written, 60);
}

}  // namespace
}  // namespace attest::property_tests
