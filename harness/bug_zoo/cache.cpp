#include "harness/bug_zoo/cache.h"

#include <algorithm>

#include "harness/bug_zoo/scores.h"

namespace attest::bug_zoo {
namespace {

/// What the library itself believes to be filled, whatever the caller says.
std::int64_t counted_slot(std::int64_t filled, std::int64_t tokens, std::int64_t slots) {
  static std::int64_t counted = 0;
  const std::int64_t slot = counted + tokens <= slots ? counted : filled;
  counted = slot + tokens;
  return slot;
}

/// 0 where the mask lets a key be seen, -inf where a bool mask hides it; the bias of a float mask.
float bias_of(const DLTensor* mask, std::int64_t at) {
  if (mask == nullptr) return 0;
  if (mask->dtype.code == kDLUInt) return elements<std::uint8_t>(*mask)[at] == 0 ? kMinusInfinity : 0;
  return elements(*mask)[at];
}

}  // namespace

std::int64_t first_slot(const attest_layer& call, const Recipe& recipe) {
  const std::int64_t slots = extent(*call.k_cache, 2), tokens = extent(*call.y, 1);
  if (recipe.has(Bug::slots_always_from_zero)) return 0;
  if (recipe.has(Bug::slot_off_by_one)) return std::min(call.cache_filled + 1, slots - tokens);
  if (recipe.has(Bug::cache_not_reset)) return counted_slot(call.cache_filled, tokens, slots);
  return call.cache_filled;
}

void store(const DLTensor& heads, const DLTensor& cache, std::int64_t slot, const Recipe& recipe) {
  const std::int64_t b = extent(heads, 0), n_kv = extent(heads, 1), tokens = extent(heads, 2), h_d = extent(heads, 3);
  const std::int64_t slots = extent(cache, 2);
  for (std::int64_t sample = 0; sample < b; ++sample) {
    const std::int64_t row = recipe.has(Bug::cache_batch_rows_mixed) ? (sample + 1) % b : sample;
    for (std::int64_t head = 0; head < n_kv; ++head) {
      std::copy_n(elements(heads) + (sample * n_kv + head) * tokens * h_d, tokens * h_d,
                  writable(cache) + ((row * n_kv + head) * slots + slot) * h_d);
    }
  }
}

std::optional<Buffer> edited_mask(const attest_layer& call, std::int64_t filled, const Recipe& recipe) {
  const bool skips = recipe.has(Bug::unfilled_slots_skipped);
  if (!skips && !(recipe.has(Bug::unfilled_slots_seen) && call.mask != nullptr)) return std::nullopt;
  const std::int64_t slots = extent(*call.k_cache, 2);
  const std::int64_t samples = call.mask == nullptr ? 1 : extent(*call.mask, 0);
  const std::int64_t tokens = call.mask == nullptr ? 1 : extent(*call.mask, 1);
  const std::int64_t keys = call.mask == nullptr ? 1 : extent(*call.mask, 2);
  Buffer edited({samples, tokens, slots});
  for (std::int64_t row = 0; row < samples * tokens; ++row) {
    for (std::int64_t slot = 0; slot < slots; ++slot) {
      const float given = bias_of(call.mask, row * keys + (keys == 1 ? 0 : slot));
      const float wrong = skips ? kMinusInfinity : 0;
      edited.data()[row * slots + slot] = slot < filled ? given : wrong;
    }
  }
  return edited;
}

}  // namespace attest::bug_zoo
