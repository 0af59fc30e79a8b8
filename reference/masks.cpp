#include "reference/masks.h"

#include <algorithm>
#include <limits>

#include "fixtures/floating_point.h"
#include "fixtures/overloaded.h"

namespace attest::reference {
namespace {

/// Calls visit(sample, token, key, its place in the rows) for every element of the rows.
template <class Visit>
void for_each_element(const MaskRows& rows, std::int64_t s_k, Visit visit) {
  std::size_t at = 0;
  for (std::int64_t b = rows.first_sample; b < rows.first_sample + rows.samples; ++b) {
    for (std::int64_t i = rows.first_token; i < rows.first_token + rows.tokens; ++i) {
      for (std::int64_t j = 0; j < s_k; ++j) visit(b, i, j, at++);
    }
  }
}

template <class Value>
Array<Value> rows_of(const MaskRows& rows, std::int64_t s_k, Value value) {
  Array<Value> filled(std::vector<std::size_t>{static_cast<std::size_t>(rows.samples),
                                               static_cast<std::size_t>(rows.tokens), static_cast<std::size_t>(s_k)});
  std::fill_n(filled.data(), filled.size(), value);
  return filled;
}

/// Token i sees keys 0..i.
Array<bool> lower_triangle(const MaskRows& rows, std::int64_t s_k) {
  Array<bool> visible = rows_of(rows, s_k, false);
  for_each_element(rows, s_k, [&](auto, auto i, auto j, std::size_t at) { visible.data()[at] = j <= i; });
  return visible;
}

/// Where the document of a token begins; beyond the last one, the token after it: it sees nothing.
std::int64_t document_begin(std::span<const std::int64_t> lengths, std::int64_t token) {
  std::int64_t begin = 0;
  for (const std::int64_t length : lengths) {
    if (token < begin + length) return begin;
    begin += length;
  }
  return token + 1;
}

/// Token i sees the keys of its own document up to i. torchtune attention_utils.py create_block_causal_mask
Array<bool> block_causal(const Tensor& seq_lens, const MaskRows& rows, std::int64_t s_k) {
  Array<bool> visible = rows_of(rows, s_k, false);
  const auto documents = static_cast<std::size_t>(seq_lens.dim(1));
  std::int64_t begin = 0;
  for_each_element(rows, s_k, [&](auto b, auto i, auto j, std::size_t at) {
    const std::size_t sample = seq_lens.dim(0) == 1 ? 0 : static_cast<std::size_t>(b);
    if (j == 0) begin = document_begin(seq_lens.as<std::int64_t>().subspan(sample * documents, documents), i);
    visible.data()[at] = begin <= j && j <= i;
  });
  return visible;
}

/// The rows of a tensor that broadcasts to [b, s_x, s_k], each element as `convert` has it.
template <class Value, class Convert>
Array<Value> broadcast_rows(const Tensor& mask, const MaskRows& rows, std::int64_t s_k, Convert convert) {
  Array<Value> values = rows_of(rows, s_k, Value{});
  const auto along = [&](std::size_t axis, std::int64_t index) { return mask.dim(axis) == 1 ? 0 : index; };
  for_each_element(rows, s_k, [&](auto b, auto i, auto j, std::size_t at) {
    const std::int64_t row = along(0, b) * mask.dim(1) + along(1, i);
    values.data()[at] = convert(static_cast<std::size_t>(row * mask.dim(2) + along(2, j)));
  });
  return values;
}

Array<bool> boolean_rows(const Tensor& mask, const MaskRows& rows, std::int64_t s_k) {
  const auto given = mask.as<std::uint8_t>();
  return broadcast_rows<bool>(mask, rows, s_k, [&](std::size_t at) { return given[at] != 0; });
}

template <class T>
AttentionMask<T> additive_rows(const Tensor& mask, const MaskRows& rows, std::int64_t s_k) {
  Array<T> bias;
  visit_floating_point(mask, [&]<class Stored>(std::span<const Stored> given) {
    bias = broadcast_rows<T>(mask, rows, s_k, [&](std::size_t at) { return converted<T, Stored>(given[at]); });
  });
  Array<bool> visible = rows_of(rows, s_k, true);
  std::transform(bias.begin(), bias.end(), visible.begin(),
                 [](T value) { return value != -std::numeric_limits<T>::infinity(); });
  return {std::move(visible), std::move(bias)};
}

}  // namespace

template <class T>
AttentionMask<T> attention_mask(const Mask& mask, bool is_causal, const MaskRows& rows, std::int64_t s_k) {
  using Result = AttentionMask<T>;
  return std::visit(overloaded{[&](const NoMask&) {
                                 return Result{is_causal ? lower_triangle(rows, s_k) : rows_of(rows, s_k, true), {}};
                               },
                               [&](const BoolMask& given) {
                                 return Result{boolean_rows(given.values, rows, s_k), {}};
                               },
                               [&](const FloatMask& given) { return additive_rows<T>(given.values, rows, s_k); },
                               [&](const PackedBlockCausalMask& given) {
                                 return Result{block_causal(given.seq_lens, rows, s_k), {}};
                               }},
                    mask);
}

template AttentionMask<float> attention_mask(const Mask&, bool, const MaskRows&, std::int64_t);
template AttentionMask<double> attention_mask(const Mask&, bool, const MaskRows&, std::int64_t);

}  // namespace attest::reference
