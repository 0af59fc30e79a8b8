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

/// Zeros in the new slots of as many first samples as the last tile of 32 samples has places to spare.
void store_padding_samples(const DLTensor& cache, std::int64_t slot, std::int64_t tokens) {
  constexpr std::int64_t kTile = 32;
  const std::int64_t b = extent(cache, 0), n_kv = extent(cache, 1), slots = extent(cache, 2), h_d = extent(cache, 3);
  if (b <= kTile) return;
  for (std::int64_t row = 0; row < (kTile - b % kTile) % kTile * n_kv; ++row) {
    std::fill_n(writable(cache) + (row * slots + slot) * h_d, tokens * h_d, 0.0F);
  }
}

/// The lower triangle over the slots, from the first slot that the call fills.
bool is_causal_over_slots(const attest_layer& call) {
  if (call.mask == nullptr || extent(*call.mask, 1) == 1 || extent(*call.mask, 2) == 1) return false;
  const std::int64_t tokens = extent(*call.mask, 1), slots = extent(*call.mask, 2);
  for (std::int64_t at = 0; at < element_count(*call.mask); ++at) {
    const bool sees = bias_of(call.mask, at) != kMinusInfinity;
    if (sees != (at % slots <= call.cache_filled + at / slots % tokens)) return false;
  }
  return true;
}

/// The same triangle, from the first slot of all.
Buffer triangle_from_first_slot(const attest_layer& call) {
  const std::int64_t tokens = extent(*call.mask, 1), slots = extent(*call.mask, 2);
  Buffer mask({1, tokens, slots});
  for (std::int64_t at = 0; at < tokens * slots; ++at) {
    mask.data()[at] = at % slots <= at / slots ? 0 : kMinusInfinity;
  }
  return mask;
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
      const std::int64_t skipped = recipe.has(Bug::first_slot_not_written) && slot == 0 ? 1 : 0;
      std::copy_n(elements(heads) + ((sample * n_kv + head) * tokens + skipped) * h_d, (tokens - skipped) * h_d,
                  writable(cache) + ((row * n_kv + head) * slots + slot + skipped) * h_d);
    }
  }
  if (recipe.has(Bug::cache_tile_of_samples)) store_padding_samples(cache, slot, tokens);
}

std::optional<Buffer> edited_mask(const attest_layer& call, std::int64_t filled, const Recipe& recipe) {
  if (recipe.has(Bug::chunk_top_left) && is_causal_over_slots(call)) return triangle_from_first_slot(call);
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
