#include "optimized/mask_map.h"

#include <algorithm>

#include "fixtures/overloaded.h"
#include "fixtures/validate.h"
#include "optimized/threads.h"

namespace attest::optimized {
namespace {

constexpr BlockVisibility kNothingSeen{0, 0, true};  // and so far, no mask to read

std::size_t extent(const Tensor& tensor, std::size_t axis) { return static_cast<std::size_t>(tensor.dim(axis)); }

}  // namespace

void MaskMap::build(const Mask& mask, const AttentionPlan& plan, CallClock& clock) {
  tokens_ = plan.shape.tokens;
  keys_ = plan.shape.keys;
  tile_tokens_ = plan.tile_tokens;
  samples_ = 0;
  heads_ = 1;
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
                        [&](const PackedBlockCausalMask& m) { set_documents(m.seq_lens); },
                        [&](const BlockMask& m) { read(m, clock); }},
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

/// Something is read of every tile.
void MaskMap::expect_tiles(std::size_t tiles) {
  tiles_ = tiles;
  block_count_ = (keys_ + kKeyBlock - 1) / kKeyBlock;
  runs_.resize(samples_ * heads_ * tokens_);
  worst_row_.resize(samples_ * heads_ * tiles_);
  blocks_.resize(samples_ * heads_ * tiles_ * block_count_);
}

Range MaskMap::tokens_of(std::size_t tile) const {
  const std::size_t first = tile * tile_tokens_;
  return {first, std::min(tile_tokens_, tokens_ - first)};
}

void MaskMap::read(const Tensor& values, CallClock& clock) {
  samples_ = extent(values, 0);
  sample_stride_ = samples_ == 1 ? 0 : extent(values, 1) * extent(values, 2);
  first_sample_.token_stride = extent(values, 1) == 1 ? 0 : extent(values, 2);
  first_sample_.key_stride = extent(values, 2) == 1 ? 0 : 1;
  expect_tiles(first_sample_.token_stride == 0 ? 1 : (tokens_ + tile_tokens_ - 1) / tile_tokens_);
  const int threads = threads_for({.multiply_adds = 0, .bytes = values.bytes().size()}, execution_.threads);
  for_each_item(samples_ * tiles_, threads, clock, [&](std::size_t item, const Worker& worker) {
    read_tile(item / tiles_, item % tiles_);
    worker.end_of(Part::checks);
  });
  if (std::ranges::find(worst_row_, Row::no_truth_values) != worst_row_.end()) refuse_mask_bytes();
}

void MaskMap::read(const BlockMask& mask, CallClock& clock) {
  samples_ = extent(mask.kv_num_blocks, 0);
  heads_ = extent(mask.kv_num_blocks, 1);
  expect_tiles((tokens_ + tile_tokens_ - 1) / tile_tokens_);
  block_rows_.read(mask, keys_);
  const std::size_t tiles = worst_row_.size();
  const auto for_each_tile = [&](std::size_t bytes, const auto& body) {
    const int threads = threads_for({.multiply_adds = 0, .bytes = bytes}, execution_.threads);
    for_each_item(tiles, threads, clock, [&](std::size_t item, const Worker& worker) {
      body(item / tiles_, item % tiles_);
      worker.end_of(Part::checks);
    });
  };
  for_each_tile(mask.partial_blocks.bytes().size() + runs_.size() * sizeof(KeyRun),
                [&](std::size_t of, std::size_t tile) { read_block_tile(of, tile); });
  first_flag_.resize(tiles);
  std::size_t flags = 0;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    first_flag_[tile] = flags;
    if (worst_row_[tile] == Row::holes) flags += tile_tokens_ * keys_;
  }
  if (flags == 0) return;
  flags_.resize(flags);
  for_each_tile(flags, [&](std::size_t of, std::size_t tile) { write_tile_with_holes(of, tile); });
}

void MaskMap::read_block_tile(std::size_t mask, std::size_t tile) {
  const Range tokens = tokens_of(tile);
  KeyRun* runs = runs_.data() + mask * tokens_;
  bool all_runs = true;
  for (std::size_t token = tokens.first; token < tokens.first + tokens.count; ++token) {
    all_runs = block_rows_.find_run(mask, token, runs[token]) && all_runs;
  }
  worst_row_[mask * tiles_ + tile] = all_runs ? Row::run : Row::holes;
}

void MaskMap::write_tile_with_holes(std::size_t mask, std::size_t tile) {
  const std::size_t index = mask * tiles_ + tile;
  if (worst_row_[index] != Row::holes) return;
  const MaskRows written = rows_with_holes(index);
  const Range tokens = tokens_of(tile);
  BlockVisibility* blocks = blocks_.data() + index * block_count_;
  std::fill_n(blocks, block_count_, kNothingSeen);
  for (std::size_t row = 0; row < tokens.count; ++row) {
    block_rows_.write_flags(mask, tokens.first + row,
                            std::span(flags_).subspan(first_flag_[index] + row * keys_, keys_));
    KeyRun run;
    read_row(written, row, blocks, run);
  }
}

/// Row by row, so that memory is read in one stream.
void MaskMap::read_tile(std::size_t mask, std::size_t tile) {
  const std::size_t index = mask * tiles_ + tile;
  const bool one_row = first_sample_.token_stride == 0;
  const Range tokens = one_row ? Range{0, 1} : tokens_of(tile);
  BlockVisibility* blocks = blocks_.data() + index * block_count_;
  std::fill_n(blocks, block_count_, kNothingSeen);
  KeyRun* runs = runs_.data() + mask * tokens_;
  Row worst = Row::run;
  for (std::size_t token = tokens.first; token < tokens.first + tokens.count; ++token) {
    worst = std::max(worst, read_row(rows(mask), token, blocks, runs[token]));
  }
  if (one_row) std::fill_n(runs, tokens_, *runs);
  worst_row_[index] = worst;
}

/// Adds what a row sees to its tile's blocks.
MaskMap::Row MaskMap::read_row(const MaskRows& mask, std::size_t token, BlockVisibility* blocks, KeyRun& run) const {
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

MaskMap::Tile MaskMap::tile(std::size_t sample, std::size_t head, std::size_t position) const {
  if (samples_ == 0) return {};
  const std::size_t mask = (samples_ == 1 ? 0 : sample) * heads_ + (heads_ == 1 ? 0 : head);
  const std::size_t index = mask * tiles_ + (tiles_ == 1 ? 0 : position);
  const Range tokens = tokens_of(position);
  if (worst_row_[index] == Row::run) {
    return {.runs = {runs_.data() + mask * tokens_ + tokens.first, tokens.count}, .rows = {}};
  }
  const BlockVisibility* visibility = blocks_.data() + index * block_count_;
  if (first_sample_.kind == MaskKind::none) {
    return {.runs = {}, .rows = rows_with_holes(index), .first_row = 0, .visibility = visibility};
  }
  return {.runs = {}, .rows = rows(mask), .first_row = tokens.first, .visibility = visibility};
}

MaskRows MaskMap::rows(std::size_t mask) const {
  MaskRows rows = first_sample_;
  if (rows.flags != nullptr) rows.flags += mask * sample_stride_;
  if (rows.biases != nullptr) rows.biases += mask * sample_stride_;
  return rows;
}

/// Of a tile of a BlockMask.
MaskRows MaskMap::rows_with_holes(std::size_t tile_index) const {
  return {.kind = MaskKind::boolean,
          .flags = flags_.data() + first_flag_[tile_index],
          .token_stride = keys_,
          .key_stride = 1};
}

}  // namespace attest::optimized
