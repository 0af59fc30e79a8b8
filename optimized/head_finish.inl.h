#pragma once

#include "optimized/kernels.h"
#include "optimized/projection.inl.h"
#include "optimized/timing.inl.h"

/// What follows a projection, on one row of a head: bias, rotary embedding and norm, in the layer's order, and the
/// stores into the layouts that attention reads.
namespace {

using attest::optimized::HeadFinish;
using attest::optimized::HeadShape;
using attest::optimized::Pairing;
using attest::optimized::ProductRow;

inline void copy_row(const float* source, size_t count, float* row) noexcept {
  for (size_t c = 0; c < count; c += kWidth) store_first(row + c, load_first(source + c, count - c), count - c);
}

inline void add_bias(const float* bias, size_t count, float* row) noexcept {
  for (size_t c = 0; c < count; c += kWidth) {
    store_first(row + c, add(load_first(row + c, count - c), load_first(bias + c, count - c)), count - c);
  }
}

/// Pairs (2i, 2i + 1): (a cos - b sin, b cos + a sin). torchtune: RotaryPositionalEmbeddings.forward.
inline void rotate_pairs(const float* cos, const float* sin, size_t count, float* row) noexcept {
  for (size_t c = 0; c < count; c += kWidth) {
    const size_t n = smaller(kWidth, count - c);
    const Vec x = load_first(row + c, n);
    const Vec turned = multiply(swap_pairs(x), load_each_twice(sin + c / 2, n));
    store_first(row + c, fma_subtract_add(x, load_each_twice(cos + c / 2, n), turned), n);
  }
}

/// Pairs (i, i + count / 2). torchtune: Phi3RotaryPositionalEmbeddings and Qwen2RotaryPositionalEmbeddings.forward.
inline void rotate_halves(const float* cos, const float* sin, size_t count, float* row) noexcept {
  const size_t half = count / 2;
  for (size_t c = 0; c < half; c += kWidth) {
    const size_t n = half - c;
    const Vec low = load_first(row + c, n), high = load_first(row + half + c, n);
    const Vec cosine = load_first(cos + c, n), sine = load_first(sin + c, n);
    store_first(row + c, subtract(multiply(low, cosine), multiply(high, sine)), n);
    store_first(row + half + c, fma(high, cosine, multiply(low, sine)), n);
  }
}

/// x / sqrt(mean(x^2) + eps) * scale. torchtune: RMSNorm.forward.
inline void rms_normalise(const float* scale, float eps, size_t count, float* row) noexcept {
  Vec squares = zero();
  for (size_t c = 0; c < count; c += kWidth) {
    const Vec x = load_first(row + c, count - c);
    squares = fma(x, x, squares);
  }
  const float mean = sum_of(squares) / float(count);
  const Vec root = square_root(broadcast(mean + eps));
  for (size_t c = 0; c < count; c += kWidth) {
    const Vec x = divide(load_first(row + c, count - c), root);
    store_first(row + c, multiply(x, load_first(scale + c, count - c)), count - c);
  }
}

void turn_row(const HeadFinish& finish, size_t count, float* row) noexcept {
  if (finish.pairing == Pairing::interleaved) rotate_pairs(finish.cos, finish.sin, count, row);
  if (finish.pairing == Pairing::halves) rotate_halves(finish.cos, finish.sin, count, row);
  if (finish.after_rotary) copy_row(row, count, finish.after_rotary);
  if (finish.pairing != Pairing::none) end_of(finish.clock, Part::rotary);
}

void normalise_row(const HeadFinish& finish, size_t count, float* row) noexcept {
  if (!finish.norm_scale) return;
  rms_normalise(finish.norm_scale, finish.norm_eps, count, row);
  if (finish.after_norm) copy_row(row, count, finish.after_norm);
  end_of(finish.clock, Part::norm);
}

/// Gathers one row's columns from product panels and finishes them in `row`.
void finish_head(const ProductRow& source, const HeadFinish& finish, float* row) noexcept {
  size_t done = 0;
  while (done < source.columns) {
    const size_t column = source.first_column + done;
    const size_t run = smaller(kPanelWidth - column % kPanelWidth, source.columns - done);
    copy_row(source.row + column / kPanelWidth * source.panel_stride + column % kPanelWidth, run, row + done);
    done += run;
  }
  if (finish.bias) add_bias(finish.bias, source.columns, row);
  if (finish.after_projection) copy_row(row, source.columns, finish.after_projection);
  end_of(finish.clock, Part::layout);
  if (finish.norm_first) normalise_row(finish, source.columns, row);
  turn_row(finish, source.columns, row);
  if (!finish.norm_first) normalise_row(finish, source.columns, row);
}

// --- keys and values, as attention reads them ------------------------------------------------------------------------

constexpr size_t round_up(size_t count, size_t multiple) { return (count + multiple - 1) / multiple * multiple; }

/// [capacity / kPanelWidth][head_dim][kPanelWidth]: a panel holds so many tokens, one a column.
size_t keys_size(const HeadShape& shape) noexcept { return round_up(shape.capacity, kPanelWidth) * shape.head_dim; }

inline size_t place_of_key(size_t token, const HeadShape& shape) noexcept {
  return token / kPanelWidth * kPanelWidth * shape.head_dim + token % kPanelWidth;
}

void store_key(const float* row, size_t token, const HeadShape& shape, float* keys) noexcept {
  float* column = keys + place_of_key(token, shape);
  for (size_t c = 0; c < shape.head_dim; ++c) column[c * kPanelWidth] = row[c];
}

void load_key(const float* keys, size_t token, const HeadShape& shape, float* row) noexcept {
  const float* column = keys + place_of_key(token, shape);
  for (size_t c = 0; c < shape.head_dim; ++c) row[c] = column[c * kPanelWidth];
}

/// [head_dim / kPanelWidth][capacity][kPanelWidth]: a panel holds so many channels of every token.
size_t values_size(const HeadShape& shape) noexcept { return round_up(shape.head_dim, kPanelWidth) * shape.capacity; }

inline size_t value_panel_stride(size_t capacity) noexcept { return capacity * kPanelWidth; }

inline size_t place_of_value(size_t token, size_t channel, const HeadShape& shape) noexcept {
  return channel / kPanelWidth * value_panel_stride(shape.capacity) + token * kPanelWidth + channel % kPanelWidth;
}

/// x - x is zero exactly where x is finite.
bool store_value(const float* row, size_t token, const HeadShape& shape, float* values) noexcept {
  Vec excess = zero();
  for (size_t c = 0; c < shape.head_dim; c += kWidth) {
    const Vec x = load_first(row + c, shape.head_dim - c);
    excess = add(excess, subtract(x, x));
    store(values + place_of_value(token, c, shape), x);
  }
  return bits(equal(excess, zero())) == bits(first_lanes(kWidth));
}

void load_value(const float* values, size_t token, const HeadShape& shape, float* row) noexcept {
  for (size_t c = 0; c < shape.head_dim; c += kWidth) {
    const Vec x = load(values + place_of_value(token, c, shape));
    store_first(row + c, x, shape.head_dim - c);
  }
}

}  // namespace
