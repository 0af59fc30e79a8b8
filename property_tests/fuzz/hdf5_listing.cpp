#include "property_tests/fuzz/hdf5_listing.h"

namespace attest::property_tests {
namespace {

struct Attributes {
  Hdf5Listing& listing;
  std::string object;
};

herr_t add_attribute(hid_t, const char* name, const H5A_info_t*, void* data) {
  auto& [listing, object] = *static_cast<Attributes*>(data);
  listing.attributes.push_back({object, name});
  return 0;
}

herr_t add_object(hid_t root, const char* name, const H5O_info_t* info, void* data) {
  auto& listing = *static_cast<Hdf5Listing*>(data);
  const bool is_root = std::string(name) == ".";
  const auto path = is_root ? "/" : "/" + std::string(name);
  if (!is_root) listing.objects.push_back(path);
  if (info->type == H5O_TYPE_DATASET) listing.datasets.push_back(path);
  Attributes attributes{listing, path};
  H5Aiterate_by_name(root, name, H5_INDEX_NAME, H5_ITER_INC, nullptr, add_attribute, &attributes, H5P_DEFAULT);
  return 0;
}

}  // namespace

Hdf5Listing list_hdf5(hid_t open_file) {
  Hdf5Listing listing;
  H5Ovisit2(open_file, H5_INDEX_NAME, H5_ITER_INC, add_object, &listing, H5O_INFO_BASIC);
  return listing;
}

}  // namespace attest::property_tests
