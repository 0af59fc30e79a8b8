#include "harness/bug_zoo/stray_access.h"

#include <immintrin.h>

#include "harness/bug_zoo/tensors.h"

namespace attest::bug_zoo {
namespace {

/// A load that the compiler has to make.
void read(const float* element) { [[maybe_unused]] const float value = *static_cast<const volatile float*>(element); }

/// An aligned load of 16 bytes, which faults elsewhere.
void read_four(const float* element) {
  [[maybe_unused]] const volatile __m128 all = _mm_load_ps(element);
}

}  // namespace

void stray_access(const DLTensor& input, const DLTensor& output, const Recipe& recipe) {
  if (recipe.has(Bug::reads_past_end)) read(elements(input) + element_count(input));
  if (recipe.has(Bug::reads_before_begin)) read(elements(input) - 1);
  if (recipe.has(Bug::writes_past_end)) writable(output)[element_count(output)] = 0;
  if (recipe.has(Bug::writes_before_begin)) writable(output)[-1] = 0;
  if (recipe.has(Bug::input_changed)) writable(input)[0] *= 0.5f;
  if (recipe.has(Bug::aligned_loads) && element_count(input) >= 4) read_four(elements(input));
}

}  // namespace attest::bug_zoo
