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
  heads_ = 1;
  kind_ = Kind::rows;
  first_mask_ = {};
  std::visit(overloaded{[&](const NoMask&) {
                          if (plan.shape.mask == MaskClass::causal) set_causal();
                        },
                        [&](const BoolMask& m) {
                          first_mask_ = {.kind = MaskKind::boolean, .flags = m.values.as<std::uint8_t>().data()};
                          read(m.values, clock);
                        },
                        [&](const FloatMask& m) {
                          first_mask_ = {.kind = MaskKind::additive, .biases = m.values.as<float>().data()};
                          read(m.values, clock);
                        },
                        [&](const PackedBlockCausalMask& m) { set_documents(m.seq_lens); },
                        [&](const BlockMask& m) {
                          kind_ = Kind::blocks;
                          read(m, clock);
                        }},
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

/// A mask that can be read in its rows.
void MaskMap::read(const Tensor& values, CallClock& clock) {
  samples_ = extent(values, 0);
  mask_stride_ = extent(values, 1) * extent(values, 2);
  first_mask_.token_stride = extent(values, 1) == 1 ? 0 : extent(values, 2);
  first_mask_.key_stride = extent(values, 2) == 1 ? 0 : 1;
  read_tiles(values.bytes().size(), clock);
  if (std::ranges::find(worst_row_, Row::no_truth_values) != worst_row_.end()) refuse_mask_bytes();
}

void MaskMap::read(const BlockMask& mask, CallClock& clock) {
  block_rows_.read(mask, keys_);
  samples_ = extent(mask.kv_num_blocks, 0);
  heads_ = extent(mask.kv_num_blocks, 1);
  read_tiles(mask.partial_blocks.bytes().size(), clock);
}

void MaskMap::read_tiles(std::size_t bytes, CallClock& clock) {
  tiles_ = one_row() ? 1 : (tokens_ + tile_tokens_ - 1) / tile_tokens_;
  block_count_ = (keys_ + kKeyBlock - 1) / kKeyBlock;
  const std::size_t masks = samples_ * heads_;
  runs_.resize(masks * tokens_);
  worst_row_.resize(masks * tiles_);
  blocks_.resize(masks * tiles_ * block_count_);
  const int threads = threads_for({.multiply_adds = 0, .bytes = bytes}, execution_.threads);
  for_each_item(masks * tiles_, threads, clock, [&](std::size_t item, const Worker& worker) {
    read_tile(item / tiles_, item % tiles_);
    worker.end_of(Part::checks);
  });
}

/// Row by row, so that memory is read in one stream.
void MaskMap::read_tile(std::size_t mask, std::size_t tile) {
  const std::size_t first = tile * tile_tokens_, index = mask * tiles_ + tile, rows = one_row() ? 1 : tokens_of(tile);
  BlockVisibility* blocks = blocks_.data() + index * block_count_;
  std::fill_n(blocks, block_count_, BlockVisibility{0, 0, true, 0});
  KeyRun* runs = runs_.data() + mask * tokens_;
  Row worst = Row::run;
  for (std::size_t token = first; token < first + rows; ++token) {
    SeenRow row;
    if (kind_ == Kind::blocks) {
      read_blocks(mask, token, blocks, row);
    } else {
      read_row(mask, token, blocks, row);
    }
    runs[token] = row.run;
    worst = std::max(worst, row.form());
  }
  for (std::size_t block = 0; block < block_count_; ++block) {
    const std::size_t keys = std::min(kKeyBlock, keys_ - block * kKeyBlock);
    blocks[block].plain = blocks[block].plain && blocks[block].visible == rows * keys;
  }
  if (one_row()) std::fill_n(runs, tokens_, *runs);
  worst_row_[index] = worst;
}

/// Adds what a row sees to its tile's blocks.
void MaskMap::read_row(std::size_t mask, std::size_t token, BlockVisibility* blocks, SeenRow& row) const {
  const MaskRows values = rows(mask);
  for (std::size_t first = 0; first < keys_; first += kKeyBlock) {
    note(execution_.kernels.scan_mask(values, token, first, std::min(kKeyBlock, keys_ - first)), first, blocks, row);
  }
}

/// The same of a row of a BlockMask, in pieces that do not cross a block of keys.
void MaskMap::read_blocks(std::size_t mask, std::size_t token, BlockVisibility* blocks, SeenRow& row) const {
  block_rows_.visit(mask, token, [&](std::size_t first, std::size_t end, const std::uint8_t* flags) {
    for (std::size_t key = first; key < end;) {
      const std::size_t count = std::min(end, (key / kKeyBlock + 1) * kKeyBlock) - key;
      const MaskRows values{.kind = MaskKind::boolean, .flags = flags, .key_stride = 1};
      note(flags == nullptr ? MaskScan{0, count, count, false, true}
                            : execution_.kernels.scan_mask(values, 0, key - first, count),
           key, blocks, row);
      key += count;
    }
  });
}

/// Keys from first_key on, all of one block, in any order.
void MaskMap::note(const MaskScan& scan, std::size_t first_key, BlockVisibility* blocks, SeenRow& row) const {
  row.truth_values = row.truth_values && scan.truth_values;
  if (scan.visible == 0) return;
  const std::size_t width = execution_.kernels.panel_width, begin = first_key + scan.first_visible,
                    end = first_key + scan.end_visible, block = first_key / kKeyBlock;
  BlockVisibility& tile = blocks[block];
  const auto first_panel = static_cast<unsigned char>((begin - block * kKeyBlock) / width);
  const auto end_panel = static_cast<unsigned char>((end - block * kKeyBlock + width - 1) / width);
  tile.first_panel = tile.end_panel == 0 ? first_panel : std::min(tile.first_panel, first_panel);
  tile.end_panel = std::max(tile.end_panel, end_panel);
  tile.plain = tile.plain && !scan.adds;
  tile.visible += static_cast<unsigned>(scan.visible);
  row.run.begin =
      row.visible == 0 ? static_cast<unsigned>(begin) : std::min(row.run.begin, static_cast<unsigned>(begin));
  row.run.end = std::max(row.run.end, static_cast<unsigned>(end));
  row.visible += scan.visible;
  row.adds = row.adds || scan.adds;
}

MaskMap::Row MaskMap::SeenRow::form() const {
  if (!truth_values) return Row::no_truth_values;
  return !adds && visible == run.end - run.begin ? Row::run : Row::holes;
}

MaskMap::Tile MaskMap::tile(std::size_t sample, std::size_t head, std::size_t position, unsigned char* room) const {
  if (samples_ == 0) return {};
  const std::size_t mask = (samples_ == 1 ? 0 : sample) * heads_ + (heads_ == 1 ? 0 : head);
  const std::size_t index = mask * tiles_ + (tiles_ == 1 ? 0 : position), first = position * tile_tokens_;
  if (worst_row_[index] == Row::run)
    return {.runs = {runs_.data() + mask * tokens_ + first, tokens_of(position)}, .rows = {}};
  const BlockVisibility* blocks = blocks_.data() + index * block_count_;
  if (kind_ == Kind::rows) return {.runs = {}, .first_row = first, .rows = rows(mask), .visibility = blocks};
  write_rows(mask, position, blocks, room);
  return {.runs = {},
          .rows = {.kind = MaskKind::boolean, .flags = room, .token_stride = keys_, .key_stride = 1},
          .visibility = blocks};
}

/// The rows of a tile of a BlockMask, where they have to be looked up.
void MaskMap::write_rows(std::size_t mask, std::size_t tile, const BlockVisibility* blocks, unsigned char* room) const {
  for (std::size_t i = 0; i < tokens_of(tile); ++i, room += keys_) {
    for (std::size_t first = 0; first < keys_; first += kKeyBlock) {
      const BlockVisibility& seen = blocks[first / kKeyBlock];
      if (seen.visible > 0 && !seen.plain) std::fill_n(room + first, std::min(kKeyBlock, keys_ - first), 0);
    }
    block_rows_.visit(mask, tile * tile_tokens_ + i,
                      [&](std::size_t first, std::size_t end, const std::uint8_t* flags) {
                        if (flags == nullptr) std::fill_n(room + first, end - first, 1);
                        if (flags != nullptr) std::copy_n(flags, end - first, room + first);
                      });
  }
}

MaskRows MaskMap::rows(std::size_t mask) const {
  MaskRows rows = first_mask_;
  if (rows.flags != nullptr) rows.flags += mask * mask_stride_;
  if (rows.biases != nullptr) rows.biases += mask * mask_stride_;
  return rows;
}

}  // namespace attest::optimized
