#include "optimized/mask_map.h"

#include <algorithm>

#include "fixtures/overloaded.h"
#include "fixtures/validate.h"
#include "optimized/threads.h"

namespace attest::optimized {
namespace {

std::size_t extent(const Tensor& tensor, std::size_t axis) { return static_cast<std::size_t>(tensor.dim(axis)); }

}  // namespace

void MaskMap::build(const Mask& mask, const AttentionPlan& plan, CallClock& clock) {
  tokens_ = plan.shape.tokens;
  keys_ = plan.shape.keys;
  tile_tokens_ = plan.tile_tokens;
  samples_ = 0;
  first_sample_ = {};
  std::visit(overloaded{[&](const NoMask&) {
                          if (plan.shape.mask == MaskClass::causal) set_causal();
                        },
                        [&](const BoolMask& m) {
                          first_sample_ = {.kind = MaskKind::boolean, .flags = m.values.as<std::uint8_t>().data()};
                          read(m.values, clock);
                        },
                        [&](const FloatMask& m) {
                          first_sample_ = {.kind = MaskKind::additive, .biases = m.values.as<float>().data()};
                          read(m.values, clock);
                        },
                        [&](const PackedBlockCausalMask& m) { set_documents(m.seq_lens); }, [](const BlockMask&) {}},
             mask);
}

/// Every tile has runs; which, the caller says.
void MaskMap::expect_runs_only(std::size_t samples) {
  samples_ = samples;
  tiles_ = 1;
  runs_.resize(samples * tokens_);
  worst_row_.assign(samples, Row::run);
}

/// Token i sees keys 0..i.
void MaskMap::set_causal() {
  expect_runs_only(1);
  for (std::size_t token = 0; token < tokens_; ++token) {
    runs_[token] = {0, static_cast<unsigned>(std::min(token + 1, keys_))};
  }
}

/// A token sees its own document up to itself.
void MaskMap::set_documents(const Tensor& seq_lens) {
  expect_runs_only(extent(seq_lens, 0));
  auto run = runs_.begin();
  for (const auto length : seq_lens.as<std::int64_t>()) {
    const auto token = static_cast<unsigned>((run - runs_.begin()) % static_cast<std::ptrdiff_t>(tokens_));
    for (unsigned i = 0; i < length; ++i) *run++ = {token, token + i + 1};
  }
}

void MaskMap::read(const Tensor& values, CallClock& clock) {
  samples_ = extent(values, 0);
  sample_stride_ = samples_ == 1 ? 0 : extent(values, 1) * extent(values, 2);
  first_sample_.token_stride = extent(values, 1) == 1 ? 0 : extent(values, 2);
  first_sample_.key_stride = extent(values, 2) == 1 ? 0 : 1;
  tiles_ = first_sample_.token_stride == 0 ? 1 : (tokens_ + tile_tokens_ - 1) / tile_tokens_;
  block_count_ = (keys_ + kKeyBlock - 1) / kKeyBlock;
  runs_.resize(samples_ * tokens_);
  worst_row_.resize(samples_ * tiles_);
  blocks_.resize(samples_ * tiles_ * block_count_);
  const int threads = threads_for({.multiply_adds = 0, .bytes = values.bytes().size()}, execution_.threads);
  for_each_item(samples_ * tiles_, threads, clock, [&](std::size_t item, const Worker& worker) {
    read_tile(item / tiles_, item % tiles_);
    worker.end_of(Part::checks);
  });
  if (std::ranges::find(worst_row_, Row::no_truth_values) != worst_row_.end()) refuse_mask_bytes();
}

/// Row by row, so that memory is read in one stream.
void MaskMap::read_tile(std::size_t sample, std::size_t tile) {
  const std::size_t first = tile * tile_tokens_, index = sample * tiles_ + tile;
  const bool one_row = first_sample_.token_stride == 0;
  const std::size_t last = one_row ? 1 : std::min(first + tile_tokens_, tokens_);
  BlockVisibility* blocks = blocks_.data() + index * block_count_;
  std::fill_n(blocks, block_count_, BlockVisibility{0, 0, true});
  KeyRun* runs = runs_.data() + sample * tokens_;
  Row worst = Row::run;
  for (std::size_t token = first; token < last; ++token) {
    worst = std::max(worst, read_row(sample, token, blocks, runs[token]));
  }
  if (one_row) std::fill_n(runs, tokens_, *runs);
  worst_row_[index] = worst;
}

/// Adds what a row sees to its tile's blocks.
MaskMap::Row MaskMap::read_row(std::size_t sample, std::size_t token, BlockVisibility* blocks, KeyRun& run) const {
  const MaskRows mask = rows(sample);
  const std::size_t width = execution_.kernels.panel_width;
  std::size_t visible = 0;
  bool adds = false, truth_values = true;
  run = {0, 0};
  for (std::size_t block = 0; block < block_count_; ++block) {
    const std::size_t first_key = block * kKeyBlock, count = std::min(kKeyBlock, keys_ - first_key);
    const MaskScan scan = execution_.kernels.scan_mask(mask, token, first_key, count);
    truth_values = truth_values && scan.truth_values;
    BlockVisibility& tile = blocks[block];
    tile.plain = tile.plain && scan.visible == count && !scan.adds;
    if (scan.visible == 0) continue;
    const auto first_panel = static_cast<unsigned char>(scan.first_visible / width);
    tile.first_panel = tile.end_panel == 0 ? first_panel : std::min(tile.first_panel, first_panel);
    tile.end_panel = std::max(tile.end_panel, static_cast<unsigned char>((scan.end_visible + width - 1) / width));
    if (visible == 0) run.begin = static_cast<unsigned>(first_key + scan.first_visible);
    run.end = static_cast<unsigned>(first_key + scan.end_visible);
    visible += scan.visible;
    adds = adds || scan.adds;
  }
  if (!truth_values) return Row::no_truth_values;
  return !adds && visible == run.end - run.begin ? Row::run : Row::holes;
}

MaskMap::Tile MaskMap::tile(std::size_t sample, std::size_t position) const {
  if (samples_ == 0) return {};
  const std::size_t index = tile_index(sample, position);
  if (worst_row_[index] == Row::run) {
    const std::size_t first = position * tile_tokens_;
    const KeyRun* runs = runs_.data() + (samples_ == 1 ? 0 : sample) * tokens_;
    return {.runs = {runs + first, std::min(tile_tokens_, tokens_ - first)}, .rows = {}};
  }
  return {.runs = {}, .rows = rows(sample), .visibility = blocks_.data() + index * block_count_};
}

MaskRows MaskMap::rows(std::size_t sample) const {
  MaskRows rows = first_sample_;
  if (rows.flags != nullptr) rows.flags += sample * sample_stride_;
  if (rows.biases != nullptr) rows.biases += sample * sample_stride_;
  return rows;
}

std::size_t MaskMap::tile_index(std::size_t sample, std::size_t tile) const {
  return (samples_ == 1 ? 0 : sample) * tiles_ + (tiles_ == 1 ? 0 : tile);
}

}  // namespace attest::optimized
