#pragma once

#include <hdf5.h>

#include <string>
#include <vector>

namespace attest::property_tests {

/// What an HDF5 file holds, by absolute paths; what several hard links name appears once.
struct Hdf5Listing {
  struct Attribute {
    std::string object, name;
  };
  std::vector<std::string> objects;   ///< groups and datasets
  std::vector<std::string> datasets;  ///< only these
  std::vector<Attribute> attributes;
};

Hdf5Listing list_hdf5(hid_t open_file);

}  // namespace attest::property_tests
