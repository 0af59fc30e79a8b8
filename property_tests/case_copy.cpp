#include "property_tests/case_copy.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "fixtures/sha256.h"

namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;

void require_hdf5(bool ok, const std::string& what) {
  if (!ok) throw std::runtime_error("HDF5 cannot " + what);
}

/// The file, open for changes; closed at the end.
class OpenFile {
 public:
  explicit OpenFile(const fs::path& file) : id_(H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT)) {
    require_hdf5(id_ >= 0, "open " + file.string());
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { H5Fclose(id_); }
  hid_t id() const { return id_; }

 private:
  hid_t id_;
};

}  // namespace

fs::path copy_case(const std::string& name, const fs::path& directory) {
  const fs::path copy = directory / (name + ".h5");
  fs::create_directories(copy.parent_path());
  fs::copy_file(fs::path(ATTEST_FIXTURES) / (name + ".h5"), copy);
  fs::permissions(copy, fs::perms::owner_write, fs::perm_options::add);
  return copy;
}

void write_manifest(const fs::path& directory) {
  nlohmann::json files = nlohmann::json::array();
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.path().extension() != ".h5") continue;
    files.push_back({{"file", fs::relative(entry.path(), directory).generic_string()},
                     {"sha256", sha256_hex_of_file(entry.path())}});
  }
  const nlohmann::json manifest = {
      {"schema", "attest.manifest"}, {"schema_version", 1}, {"cases", files.size()}, {"files", files}};
  std::ofstream(directory / "manifest.json") << manifest.dump(1) << "\n";
}

void remove_object(const fs::path& file, const std::string& path) {
  const OpenFile open(file);
  require_hdf5(H5Ldelete(open.id(), path.c_str(), H5P_DEFAULT) >= 0, "remove " + path);
}

void add_dataset(const fs::path& file, const std::string& path, const std::vector<hsize_t>& shape) {
  const OpenFile open(file);
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  const hid_t data = H5Dcreate2(open.id(), path.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  require_hdf5(data >= 0, "create " + path);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, 7);
  const hid_t scalar = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(data, "dtype", type, scalar, H5P_DEFAULT, H5P_DEFAULT);
  require_hdf5(H5Awrite(attribute, type, "float32") >= 0, "write the dtype of " + path);
  H5Aclose(attribute);
  H5Sclose(scalar);
  H5Tclose(type);
  H5Dclose(data);
  H5Sclose(space);
}

void set_integer_attribute(const fs::path& file, const std::string& group, const std::string& name,
                           std::int64_t value) {
  const OpenFile open(file);
  const hid_t owner = H5Oopen(open.id(), group.c_str(), H5P_DEFAULT);
  require_hdf5(owner >= 0 && H5Adelete(owner, name.c_str()) >= 0, "replace " + group + " " + name);
  const hid_t scalar = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(owner, name.c_str(), H5T_STD_I64LE, scalar, H5P_DEFAULT, H5P_DEFAULT);
  require_hdf5(attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT64, &value) >= 0, "write " + group + " " + name);
  H5Aclose(attribute);
  H5Sclose(scalar);
  H5Oclose(owner);
}

void flip_byte(const fs::path& file, std::uintmax_t offset) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const auto flipped = static_cast<char>(stream.get() ^ 0x10);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(flipped);
  if (!stream) throw std::runtime_error("cannot change " + file.string());
}

}  // namespace attest::property_tests
