#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "fixtures/hdf5_handle.h"

namespace attest::property_tests {

/// Changes an HDF5 file behind the back of the contract. Every function throws std::runtime_error if HDF5 refuses.
class Hdf5Edit {
 public:
  explicit Hdf5Edit(const std::filesystem::path& file);

  hid_t id() const { return file_.get(); }

  void remove(const std::string& path);
  void add_group(const std::string& path);
  void add_soft_link(const std::string& path, const std::string& target);
  void add_external_link(const std::string& path, const std::string& file, const std::string& target);
  void add_hard_link(const std::string& path, const std::string& existing);

  /// A dataset of zeros with the attribute dtype; `creation` may hold chunks, filters or external files.
  void put_dataset(const std::string& path, hid_t type, const std::vector<hsize_t>& extents, const std::string& dtype,
                   hid_t creation = H5P_DEFAULT);
  void write_bytes(const std::string& path, const std::vector<std::uint8_t>& bytes);

  void remove_attribute(const std::string& object, const std::string& name);
  void put_attribute(const std::string& object, const std::string& name, std::int64_t value);
  void put_attribute(const std::string& object, const std::string& name, double value);
  void put_attribute(const std::string& object, const std::string& name, std::uint8_t value);
  void put_attribute(const std::string& object, const std::string& name, const std::string& value);
  void put_attribute(const std::string& object, const std::string& name, const std::vector<std::int64_t>& values);
  void put_variable_length_attribute(const std::string& object, const std::string& name, const std::string& value);

 private:
  void put(const std::string& object, const std::string& name, hid_t type, const Hdf5Handle& space, const void* value);

  Hdf5Handle file_;
};

}  // namespace attest::property_tests
