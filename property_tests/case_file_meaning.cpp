#include <cmath>

#include "property_tests/damaged_case_file.h"

/// What a file that is whole may say, and what makes no sense.
namespace attest::property_tests {
namespace {

TEST_F(case_file, the_cache_is_filled_step_by_step) {
  auto item = arbitrary_case(full_choice());
  item.steps.pop_back();
  auto prefill = item.steps[0];
  for (int again = 0; again < 3; ++again) item.steps.push_back(prefill);  // 4 times 3 tokens in 12 slots: exactly full
  write_case(item, file_);
  EXPECT_EQ(read_case(file_).steps.size(), 5u);
  item.steps.push_back(prefill);
  write_case(item, file_);
  expect_refused(file_, "/steps/005");
  item.steps.back().reset_cache = true;
  write_case(item, file_);
  EXPECT_EQ(read_case(file_).steps.size(), 6u);
}

TEST_F(case_file, a_bool_byte_other_than_0_and_1_is_refused) {
  expect_refused_after("/steps/000/inputs/mask", [](auto& edit) {
    std::vector<std::uint8_t> bytes(2 * 3 * 12, 1);
    bytes[40] = 2;
    edit.write_bytes("/steps/000/inputs/mask", bytes);
  });
}

TEST_F(case_file, nan_in_a_weight_is_legal_data) {
  auto item = arbitrary_case(full_choice());
  item.layer.weights.find("q_proj.weight")->second.as<float>()[3] = std::nanf("");
  write_case(item, file_);
  EXPECT_EQ(difference(item, read_case(file_)), "");
}

TEST_F(case_file, where_the_constructor_raises_the_configuration_is_not_judged) {
  Case item = arbitrary_case({});
  item.layer.config.num_kv_heads = 0;
  item.layer.config.embed_dim = -7;
  item.layer.weights.clear();
  item.layer.tables.reset();
  item.steps.resize(1);
  item.steps[0].expected.clear();
  item.steps[0].truth.clear();
  item.steps[0].error = RaisedError{RaisedError::Where::constructor, "ZeroDivisionError", "", "num_kv_heads"};
  write_case(item, file_);
  EXPECT_EQ(difference(item, read_case(file_)), "");
  item.steps.push_back(item.steps[0]);
  write_case(item, file_);
  expect_refused(file_, "/steps/000");
}

TEST_F(case_file, resetting_a_cache_that_is_not_there_is_refused) {
  auto item = arbitrary_case({});
  item.steps[0].reset_cache = true;
  write_case(item, file_);
  expect_refused(file_, "/steps/000/reset_cache");
}

std::int64_t version_in(const std::filesystem::path& file) {
  std::int64_t version = 0;
  const Hdf5Edit edit(file);
  const Hdf5Handle attribute(H5Aopen(edit.id(), "schema_version", H5P_DEFAULT), &H5Aclose);
  H5Aread(attribute.get(), H5T_NATIVE_INT64, &version);
  return version;
}

TEST_F(case_file, the_lowest_version_that_can_hold_a_case_is_written) {
  EXPECT_EQ(version_in(file_), 1);
  for (const ArbitraryCase& later : {ArbitraryCase{.later_fields = true},
                                     ArbitraryCase{.mask = 4, .later_fields = true}, ArbitraryCase{.dropout = true}}) {
    write_case(arbitrary_case(later), file_);
    EXPECT_EQ(version_in(file_), 3);
    EXPECT_EQ(difference(arbitrary_case(later), read_case(file_)), "");
  }
}

/// What a version did not know is no part of its files.
TEST_F(case_file, a_field_that_came_later_is_unknown_to_a_file_of_before) {
  expect_refused_after("/config/scale", [](auto& edit) { edit.put_attribute("/config", "scale", 0.5); });
  expect_refused_after("/config/norm_order", [](auto& edit) {
    edit.put_attribute("/config", "norm_order", std::string("before_pos_embeddings"));
  });
  expect_refused_after("/steps/000/inputs/keep", [](auto& edit) {
    edit.put_dataset("/steps/000/inputs/keep", H5T_STD_U8LE, {2, 4, 3, 12}, "bool");
  });
}

TEST_F(case_file, another_order_of_the_norm_is_refused) {
  expect_refused_after("/config/norm_order", [](auto& edit) {
    edit.put_attribute("/", "schema_version", std::int64_t{3});
    edit.put_attribute("/config", "norm_order", std::string("between"));
  });
}

TEST_F(case_file, strings_of_variable_length_are_read) {
  {
    Hdf5Edit edit(file_);
    edit.put_variable_length_attribute("/", "description", "longer than before");
    edit.put_variable_length_attribute("/config/q_norm", "kind", "RMSNorm");
  }
  EXPECT_EQ(read_case(file_).description, "longer than before");
}

}  // namespace
}  // namespace attest::property_tests
