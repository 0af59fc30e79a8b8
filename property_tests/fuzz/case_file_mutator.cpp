#include <fstream>
#include <iterator>
#include <stdexcept>

#include "fixtures/case_file.h"
#include "property_tests/arbitrary_case.h"
#include "property_tests/fuzz/hdf5_mutations.h"
#include "property_tests/scratch_folder.h"

/// libFuzzer's mutations are made through HDF5: bytes changed blindly hardly ever come past its checksums and into our
/// code, and where they do, HDF5 1.10 may crash (property_tests/case_file_damage.cpp goes there, with a rehearsal).
namespace attest::property_tests {
namespace {

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Case any_case(Random& random) {
  ArbitraryCase choice;
  const auto below = [&](std::uint32_t bound) { return static_cast<int>(random() % bound); };
  choice.b = choice.s_x = 1 + below(2);
  choice.s_y = 1 + below(3);
  choice.n_kv = 1 + below(2);
  choice.pos_embeddings = below(5);
  choice.mask = below(3);
  choice.y = below(3);
  choice.cache = below(3);
  choice.norm = below(2) == 1;
  choice.bias = below(2) == 1;
  choice.input_pos = below(2) == 1;
  choice.error = below(2) == 1;
  choice.dtype = below(2) == 1 ? DType::bfloat16 : DType::float32;
  return arbitrary_case(choice);
}

std::string mutate(const std::string& bytes, Random& random) {
  static const ScratchFolder folder;
  const auto file = folder / "mutated.h5";
  const bool anew = bytes.size() < 100 || random() % 32 == 0;
  if (anew) write_case(any_case(random), file);
  if (!anew) std::ofstream(file, std::ios::binary) << bytes;
  for (auto edits = 1 + random() % 3; edits > 0; --edits) {
    try {
      mutate_hdf5(file, random);
    } catch (
        const std::runtime_error&) {  // HDF5 refuses, e.g. a second member of the same name: the file stays as it is
    }
  }
  return bytes_of(file);
}

}  // namespace
}  // namespace attest::property_tests

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  attest::property_tests::Random random(seed);
  const auto mutated = attest::property_tests::mutate({reinterpret_cast<const char*>(data), size}, random);
  if (mutated.size() > most) return size;
  std::copy(mutated.begin(), mutated.end(), data);
  return mutated.size();
}
