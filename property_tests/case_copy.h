#pragma once

#include <hdf5.h>

#include <filesystem>
#include <string>
#include <vector>

/// Copies of recorded cases in a directory of their own, to be damaged.
namespace attest::property_tests {

/// Copies `name` ("heads/grouped_query") from the recorded cases to `directory`/<name>.h5 and returns that file.
std::filesystem::path copy_case(const std::string& name, const std::filesystem::path& directory);

/// Writes a manifest of all case files below `directory`.
void write_manifest(const std::filesystem::path& directory);

/// Damage of an HDF5 file behind the reader's back.
void remove_object(const std::filesystem::path& file, const std::string& path);
void add_dataset(const std::filesystem::path& file, const std::string& path, const std::vector<hsize_t>& shape);
void set_integer_attribute(const std::filesystem::path& file, const std::string& group, const std::string& name,
                           std::int64_t value);
void flip_byte(const std::filesystem::path& file, std::uintmax_t offset);

}  // namespace attest::property_tests
