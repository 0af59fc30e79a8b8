#include "optimized/mask_map.h"

#include <algorithm>

namespace attest::optimized {
namespace {

constexpr std::size_t kWorthThreads = std::size_t{1} << 18;  // mask elements

MaskRows rows_of(const NoMask&) { return {}; }
MaskRows rows_of(const BoolMask& mask) {
  return {.kind = MaskKind::boolean, .flags = mask.values.as<std::uint8_t>().data()};
}
MaskRows rows_of(const FloatMask& mask) {
  return {.kind = MaskKind::additive, .biases = mask.values.as<float>().data()};
}

const Tensor* values_of(const NoMask&) { return nullptr; }
const Tensor* values_of(const BoolMask& mask) { return &mask.values; }
const Tensor* values_of(const FloatMask& mask) { return &mask.values; }

}  // namespace

void MaskMap::build(const Mask& mask, std::size_t tokens, std::size_t keys, std::size_t tile_tokens) {
  first_sample_ = std::visit([](const auto& m) { return rows_of(m); }, mask);
  const Tensor* values = std::visit([](const auto& m) { return values_of(m); }, mask);
  if (values == nullptr) return;
  const auto extent = [&](std::size_t axis) { return static_cast<std::size_t>(values->dim(axis)); };
  samples_ = extent(0);
  sample_stride_ = samples_ == 1 ? 0 : extent(1) * extent(2);
  first_sample_.token_stride = extent(1) == 1 ? 0 : extent(2);
  first_sample_.key_stride = extent(2) == 1 ? 0 : 1;
  tokens_ = tokens;
  keys_ = keys;
  tile_tokens_ = tile_tokens;
  tiles_ = first_sample_.token_stride == 0 ? 1 : (tokens + tile_tokens - 1) / tile_tokens;
  blocks_ = (keys + kKeyBlock - 1) / kKeyBlock;
  if (map_.size() < samples_ * tiles_ * blocks_) map_.resize(samples_ * tiles_ * blocks_);
#pragma omp parallel for schedule(static) if (values->size() > static_cast<std::int64_t>(kWorthThreads))
  for (std::size_t row = 0; row < samples_ * tiles_; ++row) {
    for (std::size_t block = 0; block < blocks_; ++block) {
      map_[row * blocks_ + block] = inspect(row / tiles_, row % tiles_, block);
    }
  }
}

BlockVisibility MaskMap::inspect(std::size_t sample, std::size_t tile, std::size_t block) const {
  const MaskRows mask = rows(sample);
  const std::size_t first_key = block * kKeyBlock, count = std::min(kKeyBlock, keys_ - first_key);
  const std::size_t first = tile * tile_tokens_;
  const std::size_t last = mask.token_stride == 0 ? first + 1 : std::min(first + tile_tokens_, tokens_);
  std::size_t begin = count, end = 0;
  bool plain = true;
  for (std::size_t token = first; token < last; ++token) {
    const MaskScan scan = kernels_.scan_mask(mask, token, first_key, count);
    plain = plain && scan.plain;
    if (scan.end_visible == 0) continue;
    begin = std::min(begin, scan.first_visible);
    end = std::max(end, scan.end_visible);
  }
  const std::size_t width = kernels_.panel_width;
  if (end == 0) begin = 0;
  return {static_cast<unsigned char>(begin / width), static_cast<unsigned char>((end + width - 1) / width), plain};
}

MaskRows MaskMap::rows(std::size_t sample) const {
  MaskRows rows = first_sample_;
  if (rows.flags != nullptr) rows.flags += sample * sample_stride_;
  if (rows.biases != nullptr) rows.biases += sample * sample_stride_;
  return rows;
}

const BlockVisibility* MaskMap::tile(std::size_t sample, std::size_t tile) const {
  if (first_sample_.kind == MaskKind::none) return nullptr;
  const std::size_t row = (samples_ == 1 ? 0 : sample) * tiles_ + (tiles_ == 1 ? 0 : tile);
  return map_.data() + row * blocks_;
}

}  // namespace attest::optimized
