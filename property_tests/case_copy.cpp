#include "property_tests/case_copy.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "fixtures/sha256.h"

namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;

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

void flip_bit(const fs::path& file, std::uintmax_t offset) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const auto flipped = static_cast<char>(stream.get() ^ 0x10);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(flipped);
  if (!stream) throw std::runtime_error("cannot change " + file.string());
}

}  // namespace attest::property_tests
