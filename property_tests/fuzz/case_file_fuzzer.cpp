#include <hdf5.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "property_tests/arbitrary_case.h"
#include "property_tests/fuzz/forward_calls.h"
#include "property_tests/scratch_folder.h"

/// What libFuzzer calls: whatever is in a file, read_case gives a case, which can be written and read again bit for
/// bit, or an InputError that begins with the name of the file. Anything else (another exception, a crash, a
/// sanitizer's complaint, a hang) is a finding.
namespace attest::property_tests {
namespace {

void demand(bool ok, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "case_file_fuzzer: %s\n", what.c_str());
  std::abort();
}

std::optional<Case> read_or_refuse(const std::filesystem::path& file) {
  try {
    return read_case(file);
  } catch (const InputError& error) {
    demand(error.field.starts_with(file.string() + ": /"), std::string("an error without its place: ") + error.what());
    return std::nullopt;
  }
}

void check(const std::uint8_t* data, std::size_t size) {
  static const ScratchFolder folder;
  const auto file = folder / "case.h5", again = folder / "again.h5";
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  const auto item = read_or_refuse(file);
  if (!item) return;
  write_case(*item, again);
  const auto place = difference(*item, read_case(again));
  demand(place.empty(), "what was read is not what is written: " + place);
  make_forward_calls(*item);
}

}  // namespace
}  // namespace attest::property_tests

extern "C" int LLVMFuzzerInitialize(int*, char***) { return H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  attest::property_tests::check(data, size);
  return 0;
}
