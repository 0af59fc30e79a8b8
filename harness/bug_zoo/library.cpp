#include <array>
#include <cstdio>
#include <exception>
#include <string_view>
#include <utility>

#include "harness/attest_implementation.h"
#include "harness/bug_zoo/bugs.h"
#include "harness/bug_zoo/kernels.h"
#include "harness/bug_zoo/stray_access.h"
#include "harness/bug_zoo/tensors.h"
#include "harness/bug_zoo/widened.h"

/// The zoo as a shared library: `attest_bug_zoo.so#heads_tiled`, `attest_bug_zoo.so#kahan`.
///
/// The interface's functions know nothing of the option they were got by. So each option has functions of its own, all
/// of them instances of one template over its index.
namespace attest::bug_zoo {
namespace {

constexpr std::size_t kOptions = kPlantedBugs.size() + kCorrectVariants.size();

template <std::size_t option>
constexpr Recipe recipe() {
  if constexpr (option < kPlantedBugs.size()) {
    return {kPlantedBugs[option].bug, design_of(kPlantedBugs[option].bug), false};
  } else {
    return {Bug::none, kCorrectVariants[option - kPlantedBugs.size()].design, false};
  }
}

constexpr std::string_view name_of_option(std::size_t option) {
  return option < kPlantedBugs.size() ? kPlantedBugs[option].name : kCorrectVariants[option - kPlantedBugs.size()].name;
}

std::int32_t answer(attest_call* call, std::int32_t status, const char* message) {
  std::snprintf(call->message, call->message_capacity, "%s", message);
  return status;
}

/// No exception may cross the interface.
template <class Call, class Compute>
std::int32_t guarded(const Call& given, const DLTensor& input, const DLTensor& output, attest_call* call, Recipe recipe,
                     const Compute& compute) {
  recipe.rounds_stages = is_bfloat16(input);
  if (!is_float32(input) && !recipe.rounds_stages) {
    return answer(call, ATTEST_UNSUPPORTED, "the bug zoo computes float32 and bfloat16 only");
  }
  try {
    Widened widened;
    compute(widened.call(given), recipe);
    widened.write_back();
    stray_access(input, output, recipe);
    return ATTEST_DONE;
  } catch (const std::exception& error) {
    return answer(call, ATTEST_FAILED, error.what());
  }
}

template <std::size_t option>
struct Functions {
  static constexpr Recipe kRecipe = recipe<option>();

  static std::int32_t run_linear(const attest_linear* in, attest_call* call) {
    return guarded(*in, *in->x, *in->out, call, kRecipe, linear);
  }
  static std::int32_t run_rotary(const attest_rotary* in, attest_call* call) {
    return guarded(*in, *in->x, *in->out, call, kRecipe, rotary);
  }
  static std::int32_t run_norm(const attest_norm* in, attest_call* call) {
    return guarded(*in, *in->x, *in->out, call, kRecipe, norm);
  }
  static std::int32_t run_attention(const attest_attention* in, attest_call* call) {
    return guarded(*in, *in->q, *in->out, call, kRecipe,
                   [&](const auto& wide, const Recipe& made) { attention(wide, made, call->num_threads); });
  }
  static std::int32_t run_layer(const attest_layer* in, attest_call* call) {
    return guarded(*in, *in->x, *in->output, call, kRecipe,
                   [&](const auto& wide, const Recipe& made) { layer(wide, made, call->num_threads); });
  }

  static constexpr attest_implementation kTable = {
      .struct_size = sizeof(attest_implementation),
      .abi_version = ATTEST_ABI_VERSION,
      .claims = ATTEST_SAME_BITS_FOR_ANY_THREADS,
      .linear = run_linear,
      .rotary = run_rotary,
      .norm = run_norm,
      .attention = run_attention,
      .layer = run_layer,
      .score_storage = ATTEST_SCORES_FLOAT32,
      .arithmetic = 0,
      .features = ATTEST_SCALE | ATTEST_NORM_ORDER | ATTEST_BLOCK_MASK | ATTEST_DROPOUT};
};

template <std::size_t... options>
constexpr std::array<const attest_implementation*, sizeof...(options)> all_tables(std::index_sequence<options...>) {
  return {&Functions<options>::kTable...};
}

}  // namespace
}  // namespace attest::bug_zoo

extern "C" const attest_implementation* attest_get_implementation(uint32_t abi_version, const char* option) {
  using namespace attest::bug_zoo;
  if (abi_version != ATTEST_ABI_VERSION) return nullptr;
  static constexpr auto kTables = all_tables(std::make_index_sequence<kOptions>{});
  for (std::size_t n = 0; n < kOptions; ++n) {
    if (name_of_option(n) == option) return kTables[n];
  }
  return nullptr;
}
