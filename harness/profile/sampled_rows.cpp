#include "harness/profile/sampled_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "fixtures/block_mask.h"
#include "fixtures/error.h"
#include "fixtures/overloaded.h"
#include "fixtures/packed_documents.h"
#include "fixtures/require.h"
#include "harness/judge/sensitivity.h"
#include "harness/verdict/comparator.h"
#include "harness/verdict/head_layout.h"

namespace attest::harness {
namespace {

Mask mask_of_sample(const Mask& mask, std::int64_t sample) {
  return std::visit(
      overloaded{[](const NoMask&) -> Mask { return NoMask{}; },
                 [&](const BoolMask& given) -> Mask { return BoolMask{sample_of(given.values, sample)}; },
                 [&](const FloatMask& given) -> Mask { return FloatMask{sample_of(given.values, sample)}; },
                 [&](const PackedBlockCausalMask& given) -> Mask {
                   return PackedBlockCausalMask{sample_of(given.seq_lens, sample)};
                 },
                 [&](const BlockMask& given) -> Mask {
                   require(given.kv_num_blocks.dim(0) == 1, "mask", "one BlockMask for all samples", "one for each");
                   return given;
                 }},
      mask);
}

}  // namespace

Tensor sample_of(const Tensor& x, std::int64_t sample) {
  Shape shape = x.shape();
  shape[0] = 1;
  Tensor one(x.dtype(), std::move(shape));
  const std::size_t bytes = one.bytes().size(), first = x.dim(0) == 1 ? 0 : extent(sample) * bytes;
  std::ranges::copy(x.bytes().subspan(first, bytes), one.bytes().begin());
  return one;
}

Inputs sample_of(const Inputs& inputs, std::int64_t sample) {
  Inputs one{sample_of(inputs.x, sample), SameAsX{}, mask_of_sample(inputs.mask, sample), {}};
  if (const auto* y = std::get_if<Tensor>(&inputs.y)) one.y = sample_of(*y, sample);
  if (inputs.input_pos) one.input_pos = sample_of(*inputs.input_pos, sample);
  return one;
}

Tensor rows_of_tokens(const Tensor& x, const Tokens& tokens) {
  Shape shape = x.shape();
  shape[1] = static_cast<std::int64_t>(tokens.size());
  Tensor rows(DType::float32, shape);
  const std::size_t width = extent(x.size() / x.dim(1));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::ranges::copy(x.as<float>().subspan(extent(tokens[i]) * width, width),
                      rows.as<float>().subspan(i * width).begin());
  }
  return rows;
}

Tensor head_rows_of_tokens(const Tensor& x, const Tokens& tokens) {
  return with_middle_axes_swapped(rows_of_tokens(with_middle_axes_swapped(x), tokens));
}

BoolMask mask_rows(const Mask& mask, const Tokens& tokens, std::int64_t keys) {
  Tensor rows(DType::boolean, {1, static_cast<std::int64_t>(tokens.size()), keys});
  auto row = rows.as<std::uint8_t>().begin();
  const auto copy_rows = [&](const Tensor& values) {
    for (const auto token : tokens) {
      row = std::ranges::copy(values.as<std::uint8_t>().subspan(extent(token * keys), extent(keys)), row).out;
    }
  };
  std::visit(overloaded{[&](const NoMask&) {
                          for (const auto token : tokens) std::fill_n(row, token + 1, std::uint8_t{1}), row += keys;
                        },
                        [&](const BoolMask& given) { copy_rows(given.values); },
                        [](const FloatMask&) { throw InputError("mask", "no float mask in profiled work", "one"); },
                        [&](const PackedBlockCausalMask& given) { copy_rows(block_causal_mask(given)); },
                        [&](const BlockMask& given) {
                          require(given.kv_num_blocks.dim(1) == 1, "mask", "one for all heads", "one for each");
                          const std::int64_t only[] = {0};
                          std::ranges::copy(dense_rows(given, only, tokens, keys).as<std::uint8_t>(), row);
                        }},
             mask);
  return {std::move(rows)};
}

void judge_rows(WorkVerdict& verdict, std::string stage, const Tensor& got, const reference::StageTruth& truth) {
  const Comparison comparison = compare(got, truth, DType::float32);
  WorkVerdict::StageVerdict judged{std::move(stage), comparison.e, comparison.judged, false, comparison.problem};
  if (comparison.within) judged.message = why_mistrusted(comparison, nullptr);
  judged.passed = comparison.within && judged.message.empty();
  if (!comparison.within && judged.message.empty()) {
    judged.message = fmt::format("{} of {} elements outside the error budget", comparison.outside, comparison.judged);
  }
  verdict.stages.push_back(std::move(judged));
}

}  // namespace attest::harness
