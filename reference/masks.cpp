#include "reference/masks.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "fixtures/block_mask.h"
#include "fixtures/floating_point.h"
#include "fixtures/overloaded.h"

namespace attest::reference {
namespace {

/// These rows of a mask [b|1, s_x|1, s_k|1] or [b|1, n_h|1, s_x|1, s_k|1] whose elements are given: in four axes.
template <class T, class Stored>
Array<T> chosen_rows(const Tensor& mask, std::span<const Stored> elements, const MaskRows& rows) {
  const std::vector<std::int64_t> shared = {0};
  const std::size_t last = mask.rank() - 1;
  const std::int64_t heads = mask.rank() == 4 ? mask.dim(1) : 1;
  const auto& samples = mask.dim(0) == 1 ? shared : rows.samples;
  const auto& tokens = mask.dim(last - 1) == 1 ? shared : rows.tokens;
  const auto keys = static_cast<std::size_t>(mask.dim(last));
  Array<T> chosen(std::vector<std::size_t>{samples.size(), static_cast<std::size_t>(heads), tokens.size(), keys});
  T* out = chosen.data();
  for (const auto sample : samples) {  // in xtensor, elements that are classes cannot be chosen and converted at once
    for (std::int64_t head = sample * heads; head < (sample + 1) * heads; ++head) {
      for (const auto token : tokens) {
        const auto row = elements.subspan(static_cast<std::size_t>(head * mask.dim(last - 1) + token) * keys, keys);
        out = std::ranges::transform(row, out, converted<T, Stored>).out;
      }
    }
  }
  return chosen;
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

/// Token i of a sample sees the keys from first(sample, i) to i: [samples, 1, tokens, s_k].
template <class First>
Array<bool> keys_up_to(const MaskRows& rows, std::int64_t s_k, First first) {
  auto visible = Array<bool>::from_shape({rows.samples.size(), 1, rows.tokens.size(), static_cast<std::size_t>(s_k)});
  bool* out = visible.data();
  for (const auto sample : rows.samples) {  // xtensor compares a column with a row at a tenth of the speed
    for (const auto token : rows.tokens) {
      const std::int64_t begin = first(sample, token);
      for (std::int64_t j = 0; j < s_k; ++j) *out++ = begin <= j && j <= token;
    }
  }
  return visible;
}

Array<bool> causal(const MaskRows& rows, std::int64_t s_k) {
  return keys_up_to({{0}, rows.tokens}, s_k, [](auto, auto) { return 0; });
}

/// Token i sees the keys of its own document up to i. torchtune attention_utils.py create_block_causal_mask
Array<bool> block_causal(const Tensor& seq_lens, const MaskRows& rows, std::int64_t s_k) {
  const auto documents = static_cast<std::size_t>(seq_lens.dim(1));
  return keys_up_to(rows, s_k, [&](std::int64_t sample, std::int64_t token) {
    const std::size_t of = seq_lens.dim(0) == 1 ? 0 : static_cast<std::size_t>(sample);
    return document_begin(seq_lens.as<std::int64_t>().subspan(of * documents, documents), token);
  });
}

}  // namespace

MaskRows all_rows(std::int64_t b, std::int64_t s_x) {
  MaskRows rows{std::vector<std::int64_t>(static_cast<std::size_t>(b)),
                std::vector<std::int64_t>(static_cast<std::size_t>(s_x))};
  std::iota(rows.samples.begin(), rows.samples.end(), 0);
  std::iota(rows.tokens.begin(), rows.tokens.end(), 0);
  return rows;
}

template <class T>
AttentionMask<T> attention_mask(const Mask& mask, bool is_causal, const MaskRows& rows, std::int64_t s_k) {
  using Result = AttentionMask<T>;
  return std::visit(overloaded{[&](const NoMask&) -> Result {
                                 if (is_causal) return {causal(rows, s_k)};
                                 return {xt::ones<bool>({1, 1, 1, 1})};
                               },
                               [&](const BoolMask& given) -> Result {
                                 return {chosen_rows<bool>(given.values, given.values.as<std::uint8_t>(), rows)};
                               },
                               [&](const FloatMask& given) -> Result {
                                 Array<T> bias;
                                 visit_floating_point(given.values, [&](auto elements) {
                                   bias = chosen_rows<T>(given.values, elements, rows);
                                 });
                                 return {xt::not_equal(bias, -std::numeric_limits<T>::infinity()), std::move(bias)};
                               },
                               [&](const PackedBlockCausalMask& given) -> Result {
                                 return {block_causal(given.seq_lens, rows, s_k)};
                               },
                               [&](const BlockMask& given) -> Result {
                                 const Tensor seen = dense_rows(given, rows.samples, rows.tokens, s_k);
                                 const MaskRows all = all_rows(seen.dim(0), seen.dim(2));
                                 return {chosen_rows<bool>(seen, seen.as<std::uint8_t>(), all)};
                               }},
                    mask);
}

template <class T>
AttentionMask<T> attention_mask(const AttentionInputs& inputs, const MaskRows& rows) {
  auto mask = attention_mask<T>(inputs.mask, inputs.is_causal, rows, inputs.k.dim(2));
  if (inputs.keep != nullptr) mask.kept = kept_weights<T>(*inputs.keep, inputs.dropout_p, rows);
  return mask;
}

template <class T>
Array<T> kept_weights(const Tensor& keep, double p, const MaskRows& rows) {
  const T factor = p < 1 ? static_cast<T>(1 / (1 - p)) : T{0};
  return factor * chosen_rows<T>(keep, keep.as<std::uint8_t>(), rows);
}

template AttentionMask<float> attention_mask(const Mask&, bool, const MaskRows&, std::int64_t);
template AttentionMask<double> attention_mask(const Mask&, bool, const MaskRows&, std::int64_t);
template AttentionMask<float> attention_mask(const AttentionInputs&, const MaskRows&);
template AttentionMask<double> attention_mask(const AttentionInputs&, const MaskRows&);
template Array<float> kept_weights(const Tensor&, double, const MaskRows&);
template Array<double> kept_weights(const Tensor&, double, const MaskRows&);

}  // namespace attest::reference
