#include <gtest/gtest.h>

#include <fstream>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "fixtures/generator.h"
#include "fixtures/sha256.h"
#include "property_tests/arbitrary_case.h"
#include "property_tests/hdf5_edit.h"
#include "property_tests/scratch_folder.h"

/// How a tensor may lie in a case file: stored, compressed or generated, and never outside of it.
namespace attest::property_tests {
namespace {

constexpr const char* kWeight = "/weights/q_proj.weight";  // [16, 8] float32

class case_file_storage : public testing::Test {
 protected:
  void SetUp() override {
    write_case(arbitrary_case({}), file_);
    Hdf5Edit(file_).remove(kWeight);
  }

  void put_weight(hid_t creation) {
    Hdf5Edit(file_).put_dataset(kWeight, H5T_IEEE_F32LE, {16, 8}, "float32", creation);
  }

  void put_generated(const GeneratedTensor& spec, const std::string& sha256, const std::string& path = kWeight) {
    Hdf5Edit edit(file_);
    edit.add_group(path);
    edit.put_attribute(path, "generator", "irwin_hall_4");
    edit.put_attribute(path, "seed", static_cast<std::int64_t>(spec.seed));
    edit.put_attribute(path, "stream", static_cast<std::int64_t>(spec.stream));
    edit.put_attribute(path, "exponent", spec.exponent);
    edit.put_attribute(path, "shape", spec.shape);
    edit.put_attribute(path, "dtype", std::string(name_of(spec.dtype)));
    edit.put_attribute(path, "sha256", sha256);
  }

  std::string refusal() {
    try {
      read_case(file_);
    } catch (const InputError& error) {
      return error.field.substr(file_.string().size() + 2);
    }
    return "accepted";
  }

  ScratchFolder folder_;
  std::filesystem::path file_ = folder_ / "case.h5";
  Hdf5Handle creation_{H5Pcreate(H5P_DATASET_CREATE), &H5Pclose};
};

const GeneratedTensor kSpec{.seed = 7, .stream = 3, .exponent = -16, .dtype = DType::float32, .shape = {16, 8}};

TEST_F(case_file_storage, chunks_and_deflate_are_read) {
  const hsize_t chunk[] = {5, 8};
  H5Pset_chunk(creation_.get(), 2, chunk);
  H5Pset_shuffle(creation_.get());
  H5Pset_deflate(creation_.get(), 9);
  H5Pset_fletcher32(creation_.get());
  put_weight(creation_.get());
  EXPECT_EQ(read_case(file_).layer.weights.find("q_proj.weight")->second.shape(), (Shape{16, 8}));
}

TEST_F(case_file_storage, other_filters_are_refused) {
  const hsize_t chunk[] = {16, 8};
  H5Pset_chunk(creation_.get(), 2, chunk);
  H5Pset_scaleoffset(creation_.get(), H5Z_SO_FLOAT_DSCALE, 2);
  put_weight(creation_.get());
  EXPECT_EQ(refusal(), kWeight);
}

TEST_F(case_file_storage, data_in_another_file_is_refused) {
  std::ofstream(folder_ / "outside.bin") << std::string(512, 'x');
  H5Pset_external(creation_.get(), (folder_ / "outside.bin").c_str(), 0, 512);
  put_weight(creation_.get());
  EXPECT_EQ(refusal(), kWeight);
}

TEST_F(case_file_storage, a_virtual_dataset_is_refused) {
  const hsize_t extents[] = {16, 8};
  const Hdf5Handle space(H5Screate_simple(2, extents, nullptr), &H5Sclose);
  H5Pset_virtual(creation_.get(), space.get(), "elsewhere.h5", "/x", space.get());
  put_weight(creation_.get());
  EXPECT_EQ(refusal(), kWeight);
}

TEST_F(case_file_storage, links_are_refused_even_inside_the_file) {
  Hdf5Edit(file_).add_soft_link(kWeight, "/weights/output_proj.weight");
  EXPECT_EQ(refusal(), kWeight);
  Hdf5Edit(file_).remove(kWeight);
  write_case(arbitrary_case({}), folder_ / "other.h5");
  Hdf5Edit(file_).add_external_link(kWeight, (folder_ / "other.h5").string(), kWeight);
  EXPECT_EQ(refusal(), kWeight);
}

TEST_F(case_file_storage, a_group_linked_into_itself_is_refused) {
  put_weight(H5P_DEFAULT);
  Hdf5Edit(file_).add_hard_link("/steps/000/again", "/steps");
  EXPECT_EQ(refusal(), "/steps/000/again");
}

TEST_F(case_file_storage, a_dataset_that_was_never_written_is_refused) {
  const hsize_t chunk[] = {1, 1 << 20, 8};
  H5Pset_chunk(creation_.get(), 3, chunk);
  H5Pset_deflate(creation_.get(), 1);
  put_weight(H5P_DEFAULT);
  {
    Hdf5Edit edit(file_);
    edit.remove("/steps/000/inputs/x");
    edit.put_dataset("/steps/000/inputs/x", H5T_IEEE_F32LE, {4, 1 << 20, 8}, "float32", creation_.get());
  }
  EXPECT_EQ(refusal(), "/steps/000/inputs/x");
}

TEST_F(case_file_storage, a_size_that_overflows_or_is_absurd_is_refused) {
  put_weight(H5P_DEFAULT);
  for (const auto& shape : {Shape{1, std::int64_t{1} << 40, 8}, Shape{std::int64_t{1} << 40, std::int64_t{1} << 40, 8},
                            Shape{-1, 3, 8}, Shape{1, (std::int64_t{1} << 25) + 1, 8}}) {
    Hdf5Edit(file_).remove("/steps/000/inputs/x");
    auto spec = kSpec;
    spec.shape = shape;
    put_generated(spec, std::string(64, '0'), "/steps/000/inputs/x");
    EXPECT_EQ(refusal(), "/steps/000/inputs/x") << to_string(shape);
  }
}

TEST_F(case_file_storage, a_generated_weight_equals_the_generator) {
  put_generated(kSpec, sha256_hex(generate(kSpec).bytes()));
  const auto item = read_case(file_);
  EXPECT_EQ(sha256_hex(item.layer.weights.find("q_proj.weight")->second.bytes()), sha256_hex(generate(kSpec).bytes()));
}

TEST_F(case_file_storage, a_generated_tensor_with_another_hash_is_refused) {
  auto hash = sha256_hex(generate(kSpec).bytes());
  hash[10] = hash[10] == '0' ? '1' : '0';
  put_generated(kSpec, hash);
  EXPECT_EQ(refusal(), std::string(kWeight) + "/sha256");
}

TEST_F(case_file_storage, a_generated_tensor_that_is_not_exactly_described_is_refused) {
  const auto hash = sha256_hex(generate(kSpec).bytes());
  const auto refused_with = [&](const std::string& attribute, const auto& value) {
    put_generated(kSpec, hash);
    Hdf5Edit(file_).put_attribute(kWeight, attribute, value);
    const auto found = refusal();
    Hdf5Edit(file_).remove(kWeight);
    return found;
  };
  const std::string weight = kWeight;
  EXPECT_EQ(refused_with("generator", std::string("mersenne")), weight + "/generator");
  EXPECT_EQ(refused_with("seed", std::int64_t{-1}), weight + "/seed");
  EXPECT_EQ(refused_with("exponent", std::int64_t{101}), weight + "/exponent");
  EXPECT_EQ(refused_with("shape", std::vector<std::int64_t>{8, 16}), weight);
  EXPECT_EQ(refused_with("dtype", std::string("bfloat16")), weight);
  EXPECT_EQ(refused_with("offset", std::int64_t{0}), weight + "/offset");
  put_generated(kSpec, hash);
  Hdf5Edit(file_).add_group(weight + "/member");
  EXPECT_EQ(refusal(), weight + "/member");
}

TEST_F(case_file_storage, a_recorded_result_is_never_generated) {
  put_weight(H5P_DEFAULT);
  Hdf5Edit(file_).remove("/steps/000/expected/output");
  put_generated(kSpec, std::string(64, '0'), "/steps/000/expected/output");
  EXPECT_EQ(refusal(), "/steps/000/expected/output");
}

}  // namespace
}  // namespace attest::property_tests
