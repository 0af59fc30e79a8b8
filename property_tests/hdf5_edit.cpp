#include "property_tests/hdf5_edit.h"

#include <algorithm>
#include <stdexcept>

namespace attest::property_tests {
namespace {

void demand(bool ok, const std::string& what) {
  if (!ok) throw std::runtime_error("the test cannot edit " + what);
}

Hdf5Handle scalar() { return {H5Screate(H5S_SCALAR), &H5Sclose}; }

Hdf5Handle text_type(std::size_t size) {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), &H5Tclose);
  H5Tset_size(type.get(), size);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  if (size != H5T_VARIABLE) H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  return type;
}

}  // namespace

Hdf5Edit::Hdf5Edit(const std::filesystem::path& file)
    : file_(H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), &H5Fclose) {
  demand(file_.valid(), file.string());
}

void Hdf5Edit::remove(const std::string& path) { demand(H5Ldelete(file_.get(), path.c_str(), H5P_DEFAULT) >= 0, path); }

void Hdf5Edit::add_group(const std::string& path) {
  const Hdf5Handle group(H5Gcreate2(file_.get(), path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), &H5Gclose);
  demand(group.valid(), path);
}

void Hdf5Edit::add_soft_link(const std::string& path, const std::string& target) {
  demand(H5Lcreate_soft(target.c_str(), file_.get(), path.c_str(), H5P_DEFAULT, H5P_DEFAULT) >= 0, path);
}

void Hdf5Edit::add_external_link(const std::string& path, const std::string& file, const std::string& target) {
  demand(H5Lcreate_external(file.c_str(), target.c_str(), file_.get(), path.c_str(), H5P_DEFAULT, H5P_DEFAULT) >= 0,
         path);
}

void Hdf5Edit::add_hard_link(const std::string& path, const std::string& existing) {
  demand(H5Lcreate_hard(file_.get(), existing.c_str(), file_.get(), path.c_str(), H5P_DEFAULT, H5P_DEFAULT) >= 0, path);
}

void Hdf5Edit::put_dataset(const std::string& path, hid_t type, const std::vector<hsize_t>& extents,
                           const std::string& dtype, hid_t creation) {
  {
    const Hdf5Handle space(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), &H5Sclose);
    const Hdf5Handle dataset(
        H5Dcreate2(file_.get(), path.c_str(), type, space.get(), H5P_DEFAULT, creation, H5P_DEFAULT), &H5Dclose);
    demand(dataset.valid(), path);
    std::size_t bytes = H5Tget_size(type);
    for (const auto extent : extents) bytes *= extent;
    const std::vector<std::uint8_t> zeros(std::min<std::size_t>(bytes, 1 << 24));
    const bool is_virtual = creation != H5P_DEFAULT && H5Pget_layout(creation) == H5D_VIRTUAL;
    if (bytes == zeros.size() && !is_virtual)
      H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros.data());
  }
  put_attribute(path, "dtype", dtype);
}

void Hdf5Edit::write_bytes(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  const Hdf5Handle dataset(H5Dopen2(file_.get(), path.c_str(), H5P_DEFAULT), &H5Dclose);
  const Hdf5Handle type(H5Dget_type(dataset.get()), &H5Tclose);
  demand(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) >= 0, path);
}

void Hdf5Edit::remove_attribute(const std::string& object, const std::string& name) {
  demand(H5Adelete_by_name(file_.get(), object.c_str(), name.c_str(), H5P_DEFAULT) >= 0, object + "/" + name);
}

void Hdf5Edit::put(const std::string& object, const std::string& name, hid_t type, const Hdf5Handle& space,
                   const void* value) {
  if (H5Aexists_by_name(file_.get(), object.c_str(), name.c_str(), H5P_DEFAULT) > 0) remove_attribute(object, name);
  const Hdf5Handle attribute(H5Acreate_by_name(file_.get(), object.c_str(), name.c_str(), type, space.get(),
                                               H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                             &H5Aclose);
  demand(attribute.valid() && H5Awrite(attribute.get(), type, value) >= 0, object + "/" + name);
}

void Hdf5Edit::put_attribute(const std::string& object, const std::string& name, std::int64_t value) {
  put(object, name, H5T_STD_I64LE, scalar(), &value);
}

void Hdf5Edit::put_attribute(const std::string& object, const std::string& name, double value) {
  put(object, name, H5T_IEEE_F64LE, scalar(), &value);
}

void Hdf5Edit::put_attribute(const std::string& object, const std::string& name, std::uint8_t value) {
  put(object, name, H5T_STD_U8LE, scalar(), &value);
}

void Hdf5Edit::put_attribute(const std::string& object, const std::string& name, const std::string& value) {
  put(object, name, text_type(std::max<std::size_t>(value.size(), 1)).get(), scalar(), value.c_str());
}

void Hdf5Edit::put_attribute(const std::string& object, const std::string& name,
                             const std::vector<std::int64_t>& values) {
  const hsize_t count = values.size();
  put(object, name, H5T_STD_I64LE, {H5Screate_simple(1, &count, nullptr), &H5Sclose}, values.data());
}

void Hdf5Edit::put_variable_length_attribute(const std::string& object, const std::string& name,
                                             const std::string& value) {
  const char* text = value.c_str();
  put(object, name, text_type(H5T_VARIABLE).get(), scalar(), &text);
}

}  // namespace attest::property_tests
