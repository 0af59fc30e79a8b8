#include "fixtures/case_file.h"

#include <fstream>

#include "property_tests/damaged_case_file.h"

namespace attest::property_tests {
namespace {

TEST_F(case_file, the_untouched_file_is_read) { EXPECT_EQ(read_case(file_).steps.size(), 3u); }

TEST_F(case_file, a_missing_file_a_directory_a_text_file_and_an_empty_file_are_refused_by_name) {
  expect_refused(folder_ / "missing.h5", "/");
  expect_refused(folder_.path(), "/");
  std::ofstream(folder_ / "text.h5") << "This is no HDF5 file.\n";
  expect_refused(folder_ / "text.h5", "/");
  std::ofstream(folder_ / "empty.h5").close();
  expect_refused(folder_ / "empty.h5", "/");
  expect_refused("/dev/null", "/");
}

TEST_F(case_file, another_schema_or_version_is_refused) {
  expect_refused_after("/schema", [](auto& edit) { edit.put_attribute("/", "schema", "somebody.else"); });
  expect_refused_after("/schema_version",
                       [](auto& edit) { edit.put_attribute("/", "schema_version", std::int64_t{4}); });
  expect_refused_after("/schema_version", [](auto& edit) { edit.put_attribute("/", "schema_version", "1"); });
}

TEST_F(case_file, every_missing_group_and_dataset_is_named) {
  for (const auto* path :
       {"/config", "/config/q_proj", "/config/kv_cache", "/weights", "/weights/q_proj.weight", "/weights/q_norm.scale",
        "/tables/theta", "/tables/cos", "/steps", "/steps/000/inputs", "/steps/000/inputs/x", "/steps/000/expected",
        "/steps/000/expected/output", "/steps/001/truth", "/steps/001/truth/k_cache", "/provenance"}) {
    expect_refused_after(path, [&](auto& edit) { edit.remove(path); });
  }
  expect_refused_after("/tables", [](auto& edit) { edit.remove("/tables"); });
  // Without both, the case was never recorded; the sentence says how that is done.
  expect_refused_after("/steps/000", [](auto& edit) {
    edit.remove("/steps/000/expected");
    edit.remove("/steps/000/truth");
  });
  expect_refused_after("/steps/001", [](auto& edit) { edit.remove("/steps/001"); });
}

TEST_F(case_file, every_extra_group_and_dataset_is_named) {
  for (const auto* path : {"/notes", "/config/rope", "/config/q_proj/lora", "/weights/q_proj.scale", "/tables/cos2",
                           "/steps/000/gradients", "/steps/000/inputs/z", "/steps/000/expected/logits",
                           "/steps/001/expected/k_proj", "/steps/002/error/more", "/provenance/more"}) {
    expect_refused_after(path, [&](auto& edit) { edit.add_group(path); });
  }
  expect_refused_after("/steps/003", [](auto& edit) { edit.add_group("/steps/4"); });
  expect_refused_after("/steps/000/inputs/y", [](auto& edit) {
    edit.put_dataset("/steps/000/inputs/y", H5T_IEEE_F32LE, {2, 3, 8}, "float32");
  });
}

struct Attribute {
  const char* object;
  const char* name;
};

TEST_F(case_file, every_missing_attribute_is_named) {
  for (const auto& [object, name] : {Attribute{"/", "schema"},
                                     {"/", "case"},
                                     {"/", "family"},
                                     {"/config", "embed_dim"},
                                     {"/config", "dtype"},
                                     {"/config/q_proj", "kind"},
                                     {"/config/q_proj", "bias"},
                                     {"/config/pos_embeddings", "base"},
                                     {"/config/k_norm", "eps"},
                                     {"/config/kv_cache", "enabled"},
                                     {"/weights/v_proj.weight", "dtype"},
                                     {"/steps/000", "reset_cache"},
                                     {"/steps/000", "y"},
                                     {"/steps/002/error", "field"}}) {
    const auto where = (std::string(object) == "/" ? "" : object) + std::string("/") + name;
    expect_refused_after(where, [&](auto& edit) { edit.remove_attribute(object, name); });
  }
}

TEST_F(case_file, every_extra_attribute_is_named) {
  for (const auto* object : {"/", "/config", "/config/q_proj", "/weights", "/weights/q_proj.weight", "/tables/sin",
                             "/steps", "/steps/000", "/steps/000/inputs", "/steps/001/truth", "/steps/002/error"}) {
    const auto where = (std::string(object) == "/" ? "" : object) + std::string("/comment");
    expect_refused_after(where, [&](auto& edit) { edit.put_attribute(object, "comment", "hello"); });
  }
}

TEST_F(case_file, an_attribute_of_another_type_is_refused) {
  const auto at_config = [&](const char* name, const auto& value) {
    expect_refused_after(std::string("/config/") + name,
                         [&](auto& edit) { edit.put_attribute("/config", name, value); });
  };
  at_config("embed_dim", 8.0);
  at_config("embed_dim", std::string("8"));
  at_config("embed_dim", std::vector<std::int64_t>{8});
  at_config("attn_dropout", std::int64_t{0});
  at_config("is_causal", std::int64_t{1});
  at_config("is_causal", std::uint8_t{2});
  at_config("module", std::int64_t{1});
  at_config("module", std::string("MultiHeadAttention\xFF"));
}

TEST_F(case_file, an_unknown_word_is_refused_with_the_known_ones) {
  const auto refused = [&](const std::string& object, const std::string& name, const std::string& value) {
    expect_refused_after((object == "/" ? "" : object) + "/" + name,
                         [&](auto& edit) { edit.put_attribute(object, name, value); });
  };
  refused("/", "family", "rand");
  refused("/", "case", "no_group");
  refused("/", "case", "too/many/parts");
  refused("/config", "module", "Gemma2Attention");
  refused("/config", "dtype", "float8");
  refused("/config/q_proj", "kind", "LoRALinear");
  refused("/config/q_proj", "kind", "none");
  refused("/config/pos_embeddings", "kind", "rope");
  refused("/config/q_norm", "kind", "LayerNorm");
  refused("/config/kv_cache", "kind", "PagedCache");
  refused("/steps/000", "y", "same");
  refused("/steps/002/error", "raised_by", "backward");
  refused("/steps/002/error", "field", "");
  refused("/weights/q_proj.weight", "dtype", "float8");
}

TEST_F(case_file, a_tensor_of_another_shape_rank_dtype_or_storage_type_is_refused) {
  const auto refused = [&](const std::string& path, hid_t type, const std::vector<hsize_t>& extents,
                           const std::string& dtype) {
    expect_refused_after(path, [&](auto& edit) {
      edit.remove(path);
      edit.put_dataset(path, type, extents, dtype);
    });
  };
  refused("/weights/q_proj.weight", H5T_IEEE_F32LE, {16, 9}, "float32");
  refused("/weights/q_proj.weight", H5T_IEEE_F32LE, {128}, "float32");
  refused("/weights/q_proj.weight", H5T_STD_U16LE, {16, 8}, "bfloat16");
  refused("/weights/q_proj.weight", H5T_IEEE_F64LE, {16, 8}, "float32");
  refused("/weights/q_proj.weight", H5T_IEEE_F32BE, {16, 8}, "float32");
  refused("/weights/q_proj.weight", H5T_STD_U16LE, {16, 8}, "float32");
  refused("/tables/cos", H5T_IEEE_F64LE, {16, 2}, "float64");
  refused("/tables/cos", H5T_IEEE_F32LE, {17, 2}, "float32");
  refused("/tables/sin", H5T_IEEE_F32LE, {15, 2}, "float32");
  refused("/steps/000/inputs/x", H5T_IEEE_F32LE, {2, 3, 9}, "float32");
  refused("/steps/000/inputs/x", H5T_IEEE_F32LE, {2, 0, 8}, "float32");
  refused("/steps/000/inputs/mask", H5T_STD_U8LE, {2, 3, 11}, "bool");
  refused("/steps/000/inputs/input_pos", H5T_STD_I64LE, {4}, "int64");
  refused("/steps/000/expected/q_rope", H5T_IEEE_F32LE, {2, 4, 3, 4}, "float32");
  refused("/steps/000/truth/output", H5T_IEEE_F32LE, {2, 3, 9}, "float32");
  refused("/steps/001/expected/k_cache", H5T_IEEE_F32LE, {2, 2, 13, 4}, "float32");
}

TEST_F(case_file, a_call_that_the_layer_would_refuse_is_refused_at_the_door) {
  expect_refused_after("/steps/000/inputs/input_pos", [](auto& edit) {
    edit.remove("/steps/000/inputs/input_pos");
    edit.put_dataset("/steps/000/inputs/input_pos", H5T_STD_I64LE, {3}, "int64");
    edit.write_bytes("/steps/000/inputs/input_pos",
                     {16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  });
  expect_refused_after("/config/num_heads",
                       [](auto& edit) { edit.put_attribute("/config", "num_kv_heads", std::int64_t{3}); });
  expect_refused_after("/config/num_kv_heads",
                       [](auto& edit) { edit.put_attribute("/config", "num_kv_heads", std::int64_t{0}); });
  expect_refused_after("/config/head_dim",
                       [](auto& edit) { edit.put_attribute("/config", "head_dim", std::int64_t{1} << 62); });
}

/// Nobody validated the layer then: its tables, for example, may be missing. Reading the second step against it read
/// memory that was never there.
TEST_F(case_file, a_step_after_one_in_which_the_constructor_raised_is_refused_unread) {
  expect_refused_after("/steps/000", [](auto& edit) {
    H5Ocopy(edit.id(), "/steps/002/error", edit.id(), "/steps/000/error", H5P_DEFAULT, H5P_DEFAULT);
    edit.put_attribute("/steps/000/error", "raised_by", "constructor");
    for (const auto* path : {"/steps/000/expected", "/steps/000/truth", "/tables"}) edit.remove(path);
  });
  expect_refused_after("/steps/002",
                       [](auto& edit) { edit.put_attribute("/steps/002/error", "raised_by", "constructor"); });
}

/// Where a file's words are shown, they move no cursor and end no line.
TEST_F(case_file, words_and_names_that_cannot_be_shown_are_refused) {
  const std::string red = "\x1b[31mred", flood(3'000'000, 'A');
  for (const auto& word : {red, std::string("two\nlines"), std::string("\xC2\x9B")}) {
    for (const auto* name : {"case", "description", "family"}) {
      expect_refused_after("/" + std::string(name), [&](auto& edit) { edit.put_attribute("/", name, word); });
    }
    expect_refused_after("/config/dtype", [&](auto& edit) { edit.put_attribute("/config", "dtype", word); });
    expect_refused_after("/steps/002/error/type",
                         [&](auto& edit) { edit.put_attribute("/steps/002/error", "type", word); });
    expect_refused_after("/provenance", [&](auto& edit) { edit.put_attribute("/provenance", word, "value"); });
    expect_refused_after("/weights", [&](auto& edit) { edit.add_group("/weights/" + word); });
  }
  expect_refused_after("/provenance/torch", [&](auto& edit) { edit.put_attribute("/provenance", "torch", red); });
  expect_refused_after("/steps/002/error/message",
                       [&](auto& edit) { edit.put_attribute("/steps/002/error", "message", red); });
  expect_refused_after("/case", [&](auto& edit) { edit.put_variable_length_attribute("/", "case", "a/" + flood); });
  expect_refused_after("/case", [&](auto& edit) { edit.put_attribute("/", "case", "a/" + std::string(300, 'b')); });
  write_case(arbitrary_case(full_choice()), file_);
  Hdf5Edit(file_).put_attribute("/steps/002/error", "message", "torch says it\n\tin two lines");
  EXPECT_EQ(read_case(file_).steps[2].error->message, "torch says it\n\tin two lines");
}

}  // namespace
}  // namespace attest::property_tests
