#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>

#include "fixtures/case_file.h"
#include "harness/judge/judge_implementation.h"
#include "harness/run/replay.h"
#include "property_tests/any_draw.h"

/// draw_cases COUNT SEED DIR: writes that many drawn case files for torchtune to answer (scripts/soak).
namespace attest::property_tests {
namespace {

using namespace harness;

/// What torchtune computes here depends on torch's kernels, by design or by accident. They multiply a hidden key's NaN
/// by its weight of 0; the flash kernel takes a row of NaN scores for a fully masked one where it has fewer keys than
/// lanes; the bfloat16 products of an AVX-512 machine flush subnormal numbers to zero.
bool depends_on_the_kernel(const CaseDraw& draw) {
  return draw.family == "hidden_nan" || draw.family == "nan_weight" ||
         (draw.family == "subnormal_v" && draw.dtype == DType::bfloat16);
}

/// A case that could not fail anybody (a constant truth, say) is no evidence.
bool is_evidence(const Case& item, const Implementation& reference) {
  const auto results = judge_implementation(with_truths(item), reference);
  return std::ranges::all_of(results, [](const Result& result) { return result.status == Status::passed; });
}

void draw_cases(int count, std::uint64_t seed, const std::filesystem::path& folder) {
  const auto reference = implementation_from_label("reference");
  std::filesystem::create_directories(folder);
  rc::Random random(seed);
  for (int written = 0, tried = 0; written < count; ++tried) {
    const CaseDraw draw = any_draw()(random.split(), tried % 100).value();
    if (depends_on_the_kernel(draw)) continue;
    Case item = exported_case({"truth", "reference", {draw, {}}, {}, {}});
    if (!is_evidence(item, *reference)) continue;
    item.name = fmt::format("drawn/{:05}", ++written);
    write_case(item, folder / fmt::format("{:05}.h5", written));
  }
}

}  // namespace
}  // namespace attest::property_tests

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: draw_cases COUNT SEED DIR\n");
    return 2;
  }
  try {
    attest::property_tests::draw_cases(std::atoi(argv[1]), std::strtoull(argv[2], nullptr, 10), argv[3]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "draw_cases: {}\n", error.what());
    return 2;
  }
}
