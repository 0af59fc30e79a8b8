#pragma once

#include "optimized/head_finish.inl.h"
#include "optimized/kernels.h"
#include "optimized/softmax.inl.h"
#include "optimized/tile_product.inl.h"
#include "optimized/timing.inl.h"
#include "optimized/transpose.inl.h"

/// Attention of one tile of query rows over a range of keys: FlashAttention-2's loop, one key/value head at a time.
///
/// Loop order: key blocks; within one, register tiles of rows; within one, scores = Q K^T panel by panel, softmax row
/// by row, output += weights V panel by panel. The row of a tile is token * group + head, so each key and value is read
/// once for the whole group of query heads and is never copied. Tails: rows by smaller register tiles, keys by hiding
/// lanes, channels by the zero padding of the value panels.
namespace {

using AttentionTile = attest::optimized::AttentionTile<float>;
using attest::optimized::BlockVisibility;
using attest::optimized::KeyRun;
using attest::optimized::kKeyBlock;

/// Where the parts of a tile's workspace begin, in floats.
struct TileLayout {
  size_t scores;      ///< [kTileRows][kKeyBlock]
  size_t out;         ///< product panels [head_dim / width][rows][width]
  size_t sums;        ///< [rows][kWidth]
  size_t references;  ///< [rows]
  size_t queries;     ///< packed rows, scaled
  size_t total;
};

constexpr TileLayout layout(size_t rows, size_t head_dim) noexcept {
  const size_t scores = 0;
  const size_t out = scores + kTileRows * kKeyBlock;
  const size_t sums = out + rows * round_up(head_dim, kPanelWidth);
  const size_t references = sums + rows * kWidth;
  const size_t queries = references + round_up(rows, 16);
  return {.scores = scores,
          .out = out,
          .sums = sums,
          .references = references,
          .queries = queries,
          .total = queries + rows * head_dim + 64};
}

size_t attention_workspace(size_t rows, size_t head_dim) noexcept { return layout(rows, head_dim).total; }

/// A tile at work.
struct TileState {
  const AttentionTile& tile;
  size_t rows;
  size_t value_panels;
  float *scores, *out, *sums, *references, *queries;  ///< TileLayout
};

inline TileState place_state(const AttentionTile& tile) noexcept {
  const size_t rows = tile.tokens * tile.group;
  const TileLayout at = layout(rows, tile.head_dim);
  float* workspace = tile.workspace;
  return {.tile = tile,
          .rows = rows,
          .value_panels = round_up(tile.head_dim, kPanelWidth) / kPanelWidth,
          .scores = workspace + at.scores,
          .out = workspace + at.out,
          .sums = workspace + at.sums,
          .references = workspace + at.references,
          .queries = workspace + at.queries};
}

/// Packs and scales the queries, and starts each row's softmax: empty, or with the empty slots' weight of exp(0) each.
void start_rows(const TileState& s) noexcept {
  const AttentionTile& t = s.tile;
  for (size_t first = 0; first < s.rows; first += kTileRows) {
    const size_t n = smaller(kTileRows, s.rows - first);
    const float* queries[kTileRows];
    for (size_t r = 0; r < n; ++r) {
      const size_t row = first + r;
      queries[r] = t.q + row / t.group * t.q_token_stride + row % t.group * t.q_head_stride;
      store(s.sums + row * kWidth, zero());
      s.sums[row * kWidth] = float(t.empty_slots);
      s.references[row] = t.empty_slots > 0 ? 0.0f : kHidden;
    }
    pack_tile(queries, n, t.head_dim, t.score_scale, s.queries + first * t.head_dim, n);
  }
  const size_t floats = s.rows * s.value_panels * kPanelWidth;
  for (size_t i = 0; i < floats; i += kWidth) store(s.out + i, zero());
}

/// One register tile of rows against keys [begin, end) of one block.
struct BlockWork {
  size_t row, rows;
  size_t begin, end;  ///< begin is a multiple of the panel width
  bool plain;         ///< no mask has to be read
};

/// The mask row of a row.
inline size_t token_of(const TileState& s, size_t row) noexcept { return s.tile.first_token + row / s.tile.group; }

inline const KeyRun& run_of(const TileState& s, size_t row) noexcept { return s.tile.runs[row / s.tile.group]; }

/// Where a key lies in [begin, end), counted from begin.
inline size_t offset_in(size_t key, size_t begin, size_t end) noexcept {
  return key <= begin ? 0 : smaller(key, end) - begin;
}

/// Leaves out the panels of keys that none of the rows sees.
inline void narrow_to_runs(const TileState& s, BlockWork& w) noexcept {
  size_t first = w.end, last = w.begin;
  for (size_t row = w.row; row < w.row + w.rows; row += s.tile.group - row % s.tile.group) {
    const KeyRun& run = run_of(s, row);
    first = smaller(first, run.begin);
    if (run.end > last) last = run.end;
  }
  w.end = smaller(w.end, last);
  w.begin += offset_in(first, w.begin, w.end) / kPanelWidth * kPanelWidth;
}

/// Fetches a strip of `depth` lines of a panel, read next, while another of that depth is used.
inline TileOperands with_prefetch(TileOperands operands, const float* strip) noexcept {
  operands.next = strip;
  operands.later = strip + operands.depth * kLine;
  operands.later_stride = kLine;
  return operands;
}

inline void compute_scores(const TileState& s, const BlockWork& w) noexcept {
  const size_t depth = s.tile.head_dim;
  const float* queries = s.queries + w.row * depth;
  for (size_t key = w.begin; key < w.end; key += kPanelWidth) {
    const float* panel = s.tile.keys + key * depth;
    const TileOperands operands{.rows = queries,
                                .panel = panel,
                                .depth = depth,
                                .out = s.scores + (key - w.begin),
                                .out_stride = kKeyBlock,
                                .accumulate = false};
    multiply_packed_rows(w.rows, with_prefetch(operands, panel + kPanelWidth * depth));
  }
}

inline void compute_weights(const TileState& s, const BlockWork& w) noexcept {
  const AttentionTile& t = s.tile;
  const size_t count = w.end - w.begin, padded = round_up(count, kPanelWidth);
  for (size_t r = 0; r < w.rows; ++r) {
    const size_t row = w.row + r;
    float* scores = s.scores + r * kKeyBlock;
    size_t visible = count;
    if (!w.plain) mask_scores(t.mask, token_of(s, row), w.begin, count, scores);
    if (t.runs) {
      const KeyRun& run = run_of(s, row);
      visible = offset_in(run.end, w.begin, w.end);
      hide_before(offset_in(run.begin, w.begin, w.end), scores);
    }
    if (visible < padded) hide_from(visible, padded, scores);
    const SoftmaxRow state{.reference = s.references + row,
                           .sums = s.sums + row * kWidth,
                           .out = s.out + row * kPanelWidth,
                           .panels = s.value_panels,
                           .panel_stride = s.rows * kPanelWidth,
                           .to_log2 = t.to_log2};
    weigh_row(state, scores, padded);
  }
}

/// Dropout: what is multiplied with the values is kept or zero; the sum of the weights has been taken.
inline void drop_weights(const TileState& s, const BlockWork& w) noexcept {
  const auto& kept = s.tile.kept;
  for (size_t r = 0, count = w.end - w.begin; r < w.rows; ++r) {
    const size_t token = (w.row + r) / s.tile.group, head = (w.row + r) % s.tile.group;
    const unsigned char* flags = kept.flags + token * kept.token_stride + head * kept.head_stride + w.begin;
    float* weights = s.scores + r * kKeyBlock;
    for (size_t key = 0; key < count; key += kWidth) {
      const Vec factor = keep(load_flags(flags + key, count - key), broadcast(kept.factor));
      store(weights + key, multiply(load(weights + key), factor));
    }
  }
}

inline void add_values(const TileState& s, const BlockWork& w) noexcept {
  const size_t count = w.end - w.begin, stride = value_panel_stride(s.tile.capacity);
  for (size_t p = 0; p < s.value_panels; ++p) {
    const float* values = s.tile.values + p * stride + w.begin * kPanelWidth;
    const float* following = p + 1 < s.value_panels ? values + stride : values - p * stride + count * kPanelWidth;
    float* out = s.out + (p * s.rows + w.row) * kPanelWidth;
    const TileOperands operands{
        .rows = s.scores, .panel = values, .depth = count, .out = out, .out_stride = kPanelWidth, .accumulate = true};
    multiply_weight_rows(w.rows, with_prefetch(operands, following));
  }
}

/// add_values where a value is NaN or Inf and a key may be hidden: a hidden key is left out instead of multiplied by
/// zero. For every other key the operations and their order are those of the register tile.
void add_visible_values(const TileState& s, const BlockWork& w) noexcept {
  const AttentionTile& t = s.tile;
  for (size_t r = 0; r < w.rows; ++r) {
    const size_t token = token_of(s, w.row + r);
    const KeyRun run = t.runs ? run_of(s, w.row + r) : KeyRun{0, ~0u};
    for (size_t c = 0; c < s.value_panels * kTileVecs; ++c) {
      const size_t panel = c / kTileVecs, offset = c % kTileVecs * kWidth;
      Vec sum = zero();
      for (size_t key = w.begin; key < w.end; ++key) {
        if (key < run.begin || key >= run.end || !is_visible(t.mask, token, key)) continue;
        const float* value = t.values + panel * value_panel_stride(t.capacity) + key * kPanelWidth + offset;
        sum = fma(broadcast(s.scores[r * kKeyBlock + key - w.begin]), load(value), sum);
      }
      float* out = s.out + (panel * s.rows + w.row + r) * kPanelWidth + offset;
      store(out, add(load(out), sum));
    }
  }
}

void attend_block(const TileState& s, size_t begin, size_t end, bool plain) noexcept {
  for (size_t row = 0; row < s.rows; row += kTileRows) {
    BlockWork w{row, smaller(kTileRows, s.rows - row), begin, end, plain};
    if (s.tile.runs) narrow_to_runs(s, w);
    if (w.end <= w.begin) continue;
    compute_scores(s, w);
    end_of(s.tile.clock, Part::scores);
    compute_weights(s, w);
    if (s.tile.kept.flags) drop_weights(s, w);
    end_of(s.tile.clock, Part::softmax);
    if (s.tile.values_finite || (plain && !s.tile.runs)) {
      add_values(s, w);
    } else {
      add_visible_values(s, w);
    }
    end_of(s.tile.clock, Part::values);
  }
}

/// Divides by the sum of the weights; a row that saw no key is exactly zero.
void finish_rows(const TileState& s) noexcept {
  const AttentionTile& t = s.tile;
  for (size_t row = 0; row < s.rows; ++row) {
    const float sum = sum_of(load(s.sums + row * kWidth));
    float* out = t.out + row / t.group * t.out_token_stride + row % t.group * t.out_head_stride;
    if (t.partial) {
      out = t.partial + row * (t.head_dim + 2);
      out[t.head_dim] = s.references[row];
      out[t.head_dim + 1] = sum;
    }
    const Vec divisor = broadcast(t.partial || sum == 0.0f ? 1.0f : sum);
    for (size_t c = 0; c < t.head_dim; c += kWidth) {
      const float* panel = s.out + (c / kPanelWidth * s.rows + row) * kPanelWidth + c % kPanelWidth;
      store_first(out + c, divide(load(panel), divisor), t.head_dim - c);
    }
  }
}

void attend(const AttentionTile& tile) noexcept {
  const TileState s = place_state(tile);
  start_rows(s);
  end_of(tile.clock, Part::packing);
  for (size_t block = tile.key_begin / kKeyBlock * kKeyBlock; block < tile.key_end; block += kKeyBlock) {
    size_t begin = block, end = smaller(block + kKeyBlock, tile.key_end);
    bool plain = true;
    if (tile.visibility) {
      const BlockVisibility& seen = tile.visibility[block / kKeyBlock];
      plain = seen.plain;
      end = smaller(end, block + seen.end_panel * kPanelWidth);
      begin = block + seen.first_panel * kPanelWidth;
    }
    if (begin < end) attend_block(s, begin, end, plain);
  }
  finish_rows(s);
  end_of(tile.clock, Part::values);
}

/// Joins partial results over disjoint ranges of keys, in the order of the ranges.
void merge_partials(const attest::optimized::PartialMerge& m) noexcept {
  for (size_t row = 0; row < m.tokens * m.group; ++row) {
    const float* first = m.partial + row * (m.head_dim + 2);
    float largest = kHidden;
    for (size_t p = 0; p < m.parts; ++p) {
      const float reference = first[p * m.part_stride + m.head_dim];
      if (reference > largest) largest = reference;
    }
    const float shift = largest == kHidden ? 0.0f : largest;
    Vec sum = zero();
    for (size_t p = 0; p < m.parts; ++p) {
      const float* part = first + p * m.part_stride + m.head_dim;
      sum = fma(broadcast(part[1]), exp2(broadcast((part[0] - shift) * m.to_log2)), sum);
    }
    const Vec divisor = select(equal(sum, zero()), broadcast(1.0f), sum);
    float* out = m.out + row / m.group * m.out_token_stride + row % m.group * m.out_head_stride;
    for (size_t c = 0; c < m.head_dim; c += kWidth) {
      Vec joined = zero();
      for (size_t p = 0; p < m.parts; ++p) {
        const float* part = first + p * m.part_stride;
        const Vec factor = exp2(broadcast((part[m.head_dim] - shift) * m.to_log2));
        joined = fma(load_first(part + c, m.head_dim - c), factor, joined);
      }
      store_first(out + c, divide(joined, divisor), m.head_dim - c);
    }
  }
}

}  // namespace
