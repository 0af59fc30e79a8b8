#pragma once

#include <stddef.h>

#include "optimized/blocking.h"
#include "optimized/part_clock.h"

/// What every target compiles: plain functions over raw pointers, gathered in a table. This header is included by files
/// compiled for one instruction set, so it holds plain structs only (optimized/README.md, "The object rule").
///
/// A target stores rows, weights, keys and values as it multiplies them, as elements of a type of its own. How they lie
/// is known to its kernels alone: the others ask how many elements something takes, and leave writing and reading to
/// the functions of the table. What every target shares are the results of its products, in float:
///   product panels   [columns / width][rows][width], where `width` is the table's panel_width
namespace attest::optimized {

// --- projections -----------------------------------------------------------------------------------------------------

/// product panels [panel_count][rows][width] = packed rows times weight panels
template <class Element>
struct BlockProduct {
  const Element* packed_rows;
  const Element* panels;
  float* product;
  size_t rows;
  size_t depth;
  size_t panel_count;
  size_t depth_block;     ///< Blocking::depth_block
  size_t resident_bytes;  ///< Blocking::resident_bytes
};

enum class Pairing { none, interleaved, halves };

/// What happens to one head (or any row of columns) after its projection.
struct HeadFinish {
  const float* bias = nullptr;  ///< [columns], or null
  Pairing pairing = Pairing::none;
  const float* cos = nullptr;  ///< [columns / 2], the table row of this token
  const float* sin = nullptr;
  const float* norm_scale = nullptr;  ///< [columns], or null
  float norm_eps = 0;
  bool norm_first = false;            ///< before the rotary embedding, not after it
  float* after_projection = nullptr;  ///< receives the row at that point, or null
  float* after_rotary = nullptr;
  float* after_norm = nullptr;
  PartClock* clock = nullptr;
};

/// Where one row's columns lie in product panels.
struct ProductRow {
  const float* row;     ///< the row in the first panel
  size_t panel_stride;  ///< floats from one panel to the next
  size_t first_column;
  size_t columns;
};

// --- attention -------------------------------------------------------------------------------------------------------

enum class MaskKind { none, boolean, additive };

/// The mask of one sample: element (token, key) is at token * token_stride + key * key_stride; a broadcast has stride
/// 0.
struct MaskRows {
  MaskKind kind = MaskKind::none;
  const unsigned char* flags = nullptr;
  const float* biases = nullptr;
  size_t token_stride = 0;
  size_t key_stride = 0;
};

/// What some keys of one mask row show.
struct MaskScan {
  size_t first_visible;  ///< first_visible == end_visible: nothing
  size_t end_visible;
  size_t visible;     ///< how many
  bool adds;          ///< something is added to a visible key's score
  bool truth_values;  ///< every byte of a bool mask is 0 or 1
};

/// The keys [begin, end) are all that a token sees, and nothing is added to their scores.
struct KeyRun {
  unsigned begin, end;
};

/// What one key block shows to one tile of tokens. Panels are counted from the block's first key.
struct BlockVisibility {
  unsigned char first_panel;
  unsigned char end_panel;  ///< equal: the block is skipped
  bool plain;               ///< no mask has to be read
  unsigned visible;         ///< pairs of a token and a key that it sees
};

/// How keys and values of one head lie: for `capacity` tokens.
struct HeadShape {
  size_t capacity, head_dim;
};

/// Which weights a dropout keeps: of a token and a query head, one byte a key at token * token_stride + head *
/// head_stride.
struct KeptWeights {
  const unsigned char* flags = nullptr;  ///< 0 or 1; null without a dropout
  size_t token_stride = 0, head_stride = 0;
  float factor = 1;  ///< of those that are kept
};

/// One tile of work: `tokens` x `group` query rows of one key/value head, row = token * group + head.
template <class Element>
struct AttentionTile {
  const Element* q;  ///< first token, first head of the group
  Element* out;
  size_t q_token_stride, q_head_stride;
  size_t out_token_stride, out_head_stride;
  size_t tokens, group, head_dim;
  float score_scale;  ///< of either sign, times log2(e) where scores are kept in the log2 domain
  float to_log2;      ///< what turns a difference of scores into one of exponents: 1 in the log2 domain, else log2(e)

  const Element* keys;
  const Element* values;
  size_t capacity;  ///< of keys and values
  size_t key_begin = 0, key_end;
  size_t empty_slots;  ///< visible keys that are zero, with a value of zero: they weigh exp(0) and are not read
  bool values_finite;  ///< no NaN or Inf among the values: a zero weight then needs no care

  const KeyRun* runs = nullptr;  ///< of each token of the tile, or null: all keys, but for what the mask hides
  size_t first_token;            ///< the mask's row of the first token
  MaskRows mask = {};
  const BlockVisibility* visibility = nullptr;  ///< of each key block of the mask, or null without a mask
  KeptWeights kept = {};                        ///< from the tile's first token and head on

  float* partial = nullptr;    ///< null, or [rows][head_dim + 2]: unnormalised output, reference score, sum of weights
  float* workspace = nullptr;  ///< Kernels::attention_workspace floats
  PartClock* clock = nullptr;  ///< or null
};

/// Joins `parts` partial results of the same rows, part_stride floats apart, in order.
struct PartialMerge {
  const float* partial;
  size_t parts, part_stride;
  float* out;
  size_t out_token_stride, out_head_stride;
  size_t tokens, group, head_dim;
  float to_log2;
};

// --- the table -------------------------------------------------------------------------------------------------------

/// `Element` is the type in which packed rows, weights, keys and values are stored.
template <class Element>
struct Kernels {
  size_t vector_width;    ///< floats
  size_t tile_rows;       ///< rows that are multiplied together: packed rows begin anew at multiples of it
  size_t panel_width;     ///< columns of weights, or keys, that are multiplied together
  size_t attention_rows;  ///< Blocking::attention_rows

  size_t (*packed_rows_size)(size_t count, size_t depth) noexcept;
  void (*pack_rows)(const Element* rows, size_t row_stride, size_t count, size_t depth, Element* packed) noexcept;
  /// A weight panel holds panel_width columns; pack_panel leaves those beyond `columns` as they are.
  size_t (*panel_size)(size_t depth) noexcept;
  void (*pack_panel)(const Element* rows, size_t row_stride, size_t columns, size_t depth, Element* panel) noexcept;
  void (*multiply_block)(const BlockProduct<Element>& block) noexcept;
  void (*finish_head)(const ProductRow& source, const HeadFinish& finish, float* row) noexcept;

  size_t (*keys_size)(const HeadShape& shape) noexcept;
  size_t (*values_size)(const HeadShape& shape) noexcept;
  void (*store_key)(const float* row, size_t token, const HeadShape& shape, Element* keys) noexcept;
  /// Returns whether every element is finite.
  bool (*store_value)(const float* row, size_t token, const HeadShape& shape, Element* values) noexcept;
  void (*load_key)(const Element* keys, size_t token, const HeadShape& shape, float* row) noexcept;
  void (*load_value)(const Element* values, size_t token, const HeadShape& shape, float* row) noexcept;

  MaskScan (*scan_mask)(const MaskRows& mask, size_t token, size_t first_key, size_t count) noexcept;
  size_t (*attention_workspace)(size_t rows, size_t head_dim) noexcept;
  void (*attend)(const AttentionTile<Element>& tile) noexcept;
  void (*merge_partials)(const PartialMerge& merge) noexcept;

  /// Runs `steps` rounds of independent fused multiply-adds and returns the operations done; `sink` keeps them alive.
  double (*run_peak)(size_t steps, float* sink) noexcept;
};

using KernelTable = Kernels<float>;

const KernelTable& scalar_kernels() noexcept;
const KernelTable& avx2_kernels() noexcept;
const KernelTable& avx512_kernels() noexcept;

}  // namespace attest::optimized
