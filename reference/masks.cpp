#include "reference/masks.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "fixtures/block_mask.h"
#include "fixtures/floating_point.h"
#include "fixtures/overloaded.h"

namespace attest::reference {
namespace {

std::vector<std::int64_t> count_up(std::int64_t count) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

/// The numbers along one axis of four: [1, 1, n, 1] for axis 2.
Array<std::int64_t> along_axis(std::size_t axis, const std::vector<std::int64_t>& numbers) {
  std::vector<std::size_t> shape(4, 1);
  shape[axis] = numbers.size();
  Array<std::int64_t> values(shape);
  std::ranges::copy(numbers, values.data());
  return values;
}

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

template <class T>
Array<T> biases(const Tensor& mask, const MaskRows& rows) {
  Array<T> bias;
  visit_floating_point(mask, [&](auto elements) { bias = chosen_rows<T>(mask, elements, rows); });
  return bias;
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
  const Array<std::int64_t> i = along_axis(2, rows.tokens), j = along_axis(3, count_up(s_k));
  const auto documents = static_cast<std::size_t>(seq_lens.dim(1));
  Array<std::int64_t> begin(std::vector<std::size_t>{rows.samples.size(), 1, rows.tokens.size(), 1});
  for (std::size_t n = 0; n < begin.size(); ++n) {  // the lengths of documents add up one after the other
    const auto sample = seq_lens.dim(0) == 1 ? 0 : static_cast<std::size_t>(rows.samples[n / rows.tokens.size()]);
    const auto lengths = seq_lens.as<std::int64_t>().subspan(sample * documents, documents);
    begin.data()[n] = document_begin(lengths, rows.tokens[n % rows.tokens.size()]);
  }
  return begin <= j && j <= i;
}

}  // namespace

MaskRows all_rows(std::int64_t b, std::int64_t s_x) { return {count_up(b), count_up(s_x)}; }

template <class T>
AttentionMask<T> attention_mask(const Mask& mask, bool is_causal, const MaskRows& rows, std::int64_t s_k) {
  using Result = AttentionMask<T>;
  return std::visit(overloaded{[&](const NoMask&) -> Result {
                                 if (!is_causal) return {xt::ones<bool>({1, 1, 1, 1})};
                                 return {along_axis(3, count_up(s_k)) <= along_axis(2, rows.tokens)};
                               },
                               [&](const BoolMask& given) -> Result {
                                 return {chosen_rows<bool>(given.values, given.values.as<std::uint8_t>(), rows)};
                               },
                               [&](const FloatMask& given) -> Result {
                                 Array<T> bias = biases<T>(given.values, rows);
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
