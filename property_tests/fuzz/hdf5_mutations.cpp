#include "property_tests/fuzz/hdf5_mutations.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <stdexcept>

#include "fixtures/generator.h"
#include "fixtures/sha256.h"
#include "property_tests/fuzz/hdf5_listing.h"
#include "property_tests/fuzz/hdf5_words.h"
#include "property_tests/hdf5_edit.h"

namespace attest::property_tests {
namespace {

constexpr std::size_t kMostBytes = 1 << 16;

struct StoredType {
  hid_t type;
  std::string dtype;
};

/// The six pairs of the contract, and two that break it.
std::vector<StoredType> stored_types() {
  return {{H5T_IEEE_F32LE, "float32"}, {H5T_IEEE_F64LE, "float64"}, {H5T_STD_U16LE, "bfloat16"},
          {H5T_STD_U8LE, "bool"},      {H5T_STD_I64LE, "int64"},    {H5T_STD_I32LE, "int32"},
          {H5T_IEEE_F32BE, "float32"}, {H5T_IEEE_F32LE, "bool"}};
}

Hdf5Handle open_dataset(const Hdf5Edit& edit, const std::string& path) {
  return {H5Dopen2(edit.id(), path.c_str(), H5P_DEFAULT), &H5Dclose};
}

std::vector<hsize_t> extents_of(const Hdf5Handle& dataset) {
  const Hdf5Handle space(H5Dget_space(dataset.get()), &H5Sclose);
  std::vector<hsize_t> extents(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  if (!extents.empty()) H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);
  return extents;
}

/// Throws std::runtime_error where HDF5, or the editor, might stumble over the size.
std::size_t byte_count(const std::vector<hsize_t>& extents, std::size_t element) {
  std::size_t bytes = element;
  for (const auto extent : extents) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) throw std::runtime_error("a dataset of more than 2^64 bytes");
  }
  return bytes;
}

class Mutation {
 public:
  Mutation(const std::filesystem::path& file, Random& random)
      : edit_(file), listing_(list_hdf5(edit_.id())), random_(random) {}

  void apply() {
    using Kind = void (Mutation::*)();
    static const std::vector<Kind> kinds = {
        &Mutation::nudge_integer,   &Mutation::nudge_integer,    &Mutation::nudge_integer, &Mutation::put_attribute,
        &Mutation::put_attribute,   &Mutation::remove_attribute, &Mutation::remove_object, &Mutation::copy_object,
        &Mutation::copy_object,     &Mutation::link_object,      &Mutation::put_dataset,   &Mutation::reshape_dataset,
        &Mutation::reshape_dataset, &Mutation::change_bytes,     &Mutation::change_bytes,  &Mutation::put_generated,
        &Mutation::repeat_steps};
    (this->*any_of(kinds))();
  }

 private:
  bool chance(std::size_t one_in) { return random_() % one_in == 0; }

  template <class T>
  const T& any_of(const std::vector<T>& values) {
    if (values.empty()) throw std::runtime_error("there is nothing of this kind in the file");
    return values[random_() % values.size()];
  }

  /// Results of stages are most of a file, and the least of its rules: where one comes up, the draw is repeated.
  std::string any_path(const std::vector<std::string>& paths) {
    auto path = any_of(paths);
    for (int again = 0; again < 3 && (path.find("/expected/") != path.npos || path.find("/truth/") != path.npos);
         ++again) {
      path = any_of(paths);
    }
    return path;
  }

  /// A place that is there, or one that the contract knows, or one that it does not.
  std::string any_place() { return chance(2) ? any_path(listing_.objects) : any_of(known_paths()); }

  Hdf5Listing::Attribute any_attribute() {
    if (!chance(4)) return any_of(listing_.attributes);
    return {chance(8) ? "/" : any_path(listing_.objects), any_of(listing_.attributes).name};
  }

  void remove_if_there(const std::string& path) {
    if (H5Lexists(edit_.id(), path.c_str(), H5P_DEFAULT) > 0) edit_.remove(path);
  }

  std::optional<std::int64_t> integer_at(const Hdf5Listing::Attribute& place) {
    const Hdf5Handle attribute(
        H5Aopen_by_name(edit_.id(), place.object.c_str(), place.name.c_str(), H5P_DEFAULT, H5P_DEFAULT), &H5Aclose);
    const Hdf5Handle type(H5Aget_type(attribute.get()), &H5Tclose);
    const Hdf5Handle space(H5Aget_space(attribute.get()), &H5Sclose);
    const bool is_integer =
        H5Tequal(type.get(), H5T_STD_I64LE) > 0 && H5Sget_simple_extent_type(space.get()) == H5S_SCALAR;
    std::int64_t value = 0;
    if (!is_integer || H5Aread(attribute.get(), H5T_STD_I64LE, &value) < 0) return std::nullopt;
    return value;
  }

  /// Sizes near the right ones, and truth values turned over: what a validation must judge.
  void nudge_integer() {
    const auto place = any_of(listing_.attributes);
    const auto value = integer_at(place);
    if (!value) return put_attribute();
    const auto bits = static_cast<std::uint64_t>(*value);
    const std::vector<std::uint64_t> near = {bits + 1, bits - 1, 2 * bits, bits / 2, 0 - bits};
    edit_.put_attribute(place.object, place.name, static_cast<std::int64_t>(any_of(near)));
  }

  void put_attribute() {
    const auto [object, name] = any_attribute();
    switch (random_() % 6) {
      case 0:
        return edit_.put_attribute(object, name, any_of(integers()));
      case 1:
        return edit_.put_attribute(object, name, any_of(numbers()));
      case 2:
        return edit_.put_attribute(object, name, static_cast<std::uint8_t>(random_() % 3));
      case 3:
        return edit_.put_attribute(object, name, any_extents());
      case 4:
        return edit_.put_variable_length_attribute(object, name, any_of(words()));
      default:
        return edit_.put_attribute(object, name, any_of(words()));
    }
  }

  void remove_attribute() {
    const auto [object, name] = any_of(listing_.attributes);
    edit_.remove_attribute(object, name);
  }

  void remove_object() { edit_.remove(any_path(listing_.objects)); }

  void copy_object() {
    const auto from = any_path(listing_.objects), to = any_place();
    if (to.starts_with(from)) return;
    remove_if_there(to);
    H5Ocopy(edit_.id(), from.c_str(), edit_.id(), to.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  }

  /// More calls of forward: the cache fills, a step follows one that raised.
  void repeat_steps() {
    auto more = 1 + random_() % 6;
    for (int next = 1; next < 10 && more > 0; ++next) {
      const auto last = "/steps/00" + std::to_string(next - 1), path = "/steps/00" + std::to_string(next);
      if (H5Lexists(edit_.id(), path.c_str(), H5P_DEFAULT) > 0) continue;
      H5Ocopy(edit_.id(), last.c_str(), edit_.id(), path.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      --more;
    }
  }

  void link_object() {
    const auto to = any_path(listing_.objects), from = any_place();
    if (to.starts_with(from)) return;
    remove_if_there(from);
    if (chance(4)) return edit_.add_soft_link(from, to);
    if (chance(4)) return edit_.add_external_link(from, "elsewhere.h5", to);
    edit_.add_hard_link(from, to);
  }

  std::vector<std::int64_t> any_extents() {
    std::vector<std::int64_t> extents(random_() % 5);
    for (auto& extent : extents) extent = chance(32) ? any_of(integers()) : static_cast<std::int64_t>(random_() % 9);
    return extents;
  }

  Hdf5Handle any_storage(const std::vector<hsize_t>& extents) {
    Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), &H5Pclose);
    if (extents.empty() || !chance(4)) return creation;
    auto chunk = extents;
    for (auto& extent : chunk) extent = std::max<hsize_t>(1, extent / (1 + random_() % 3));
    H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data());
    if (chance(2)) H5Pset_shuffle(creation.get());
    if (chance(2)) H5Pset_deflate(creation.get(), 1);
    if (chance(2)) H5Pset_fletcher32(creation.get());
    return creation;
  }

  void replace_dataset(const std::string& path, const std::vector<hsize_t>& extents) {
    byte_count(extents, sizeof(double));
    const auto storage = any_storage(extents);
    const auto [type, dtype] = any_of(stored_types());
    remove_if_there(path);
    edit_.put_dataset(path, type, extents, dtype, storage.get());
  }

  void put_dataset() {
    const auto extents = any_extents();
    replace_dataset(any_place(), {extents.begin(), extents.end()});
  }

  void reshape_dataset() {
    const auto path = any_path(listing_.datasets);
    auto extents = extents_of(open_dataset(edit_, path));
    const auto axis = extents.empty() ? 0 : random_() % extents.size();
    switch (extents.empty() ? 0 : random_() % 5) {
      case 0:
        extents.insert(extents.begin() + static_cast<std::ptrdiff_t>(axis), 1);
        break;
      case 1:
        extents.erase(extents.begin() + static_cast<std::ptrdiff_t>(axis));
        break;
      case 2:
        std::swap(extents[axis], extents.back());
        break;
      case 3:
        ++extents[axis];
        break;
      default:
        extents[axis] = extents[axis] == 0 ? 0 : extents[axis] - 1;
    }
    replace_dataset(path, extents);
  }

  void change_bytes() {
    const auto path = any_path(listing_.datasets);
    const auto dataset = open_dataset(edit_, path);
    const Hdf5Handle type(H5Dget_type(dataset.get()), &H5Tclose);
    const auto count = byte_count(extents_of(dataset), H5Tget_size(type.get()));
    std::vector<std::uint8_t> bytes(count <= kMostBytes ? count : 0);
    if (bytes.empty() || H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0) return;
    for (auto changes = 1 + random_() % 4; changes > 0; --changes) {
      const auto at = random_() % bytes.size();
      auto& byte = bytes[chance(2) ? at : at - at % 8];  // half of them: where an integer has its lowest byte
      byte = static_cast<std::uint8_t>(chance(2) ? byte + 1 : 0xFF * (random_() % 2));
    }
    edit_.write_bytes(path, bytes);
  }

  /// Instead of a dataset of the same shape; mostly with the right SHA-256.
  void put_generated() {
    const auto path = any_path(listing_.datasets);
    const auto extents = extents_of(open_dataset(edit_, path));
    GeneratedTensor spec;
    spec.shape.assign(extents.begin(), extents.end());
    spec.dtype = chance(2) ? DType::float32 : DType::bfloat16;
    spec.exponent = chance(4) ? any_of(integers()) : -20;
    const bool possible = std::abs(spec.exponent) <= kLargestExponent && byte_count(extents, 4) < kMostBytes;
    edit_.remove(path);
    edit_.add_group(path);
    edit_.put_attribute(path, "generator", std::string("irwin_hall_4"));
    edit_.put_attribute(path, "seed", static_cast<std::int64_t>(spec.seed));
    edit_.put_attribute(path, "stream", static_cast<std::int64_t>(spec.stream));
    edit_.put_attribute(path, "exponent", spec.exponent);
    edit_.put_attribute(path, "shape", spec.shape);
    edit_.put_attribute(path, "dtype", std::string(name_of(spec.dtype)));
    edit_.put_attribute(path, "sha256", possible ? sha256_hex(generate(spec).bytes()) : any_of(words()));
  }

  Hdf5Edit edit_;
  Hdf5Listing listing_;
  Random& random_;
};

}  // namespace

void mutate_hdf5(const std::filesystem::path& file, Random& random) { Mutation(file, random).apply(); }

}  // namespace attest::property_tests
