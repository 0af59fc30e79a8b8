#include "harness/expected_work.h"

#include "fixtures/case_file.h"
#include "fixtures/error.h"

namespace attest::harness {
namespace {

constexpr double kWeightsOfASmallCase = 2e5;  // as long as for so many weights takes what every case needs

}  // namespace

double expected_work(const std::filesystem::path& case_file) {
  try {
    const Config config = read_config(case_file);
    const auto heads = static_cast<double>(2 * config.num_heads + 2 * config.num_kv_heads);
    const double weights = heads * static_cast<double>(config.head_dim) * static_cast<double>(config.embed_dim);
    return 1.0 + weights / kWeightsOfASmallCase;
  } catch (const InputError&) {
    return 1.0;
  }
}

}  // namespace attest::harness
