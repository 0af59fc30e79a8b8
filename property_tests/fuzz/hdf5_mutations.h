#pragma once

#include <filesystem>
#include <random>

namespace attest::property_tests {

using Random = std::minstd_rand;

/// Changes one thing at random in an HDF5 file, in a way that HDF5 itself can read: an attribute, a dataset's type,
/// shape, storage or bytes, a member, a link, a generated tensor. Throws std::runtime_error if HDF5 refuses.
void mutate_hdf5(const std::filesystem::path& file, Random& random);

}  // namespace attest::property_tests
