#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "fixtures/float_format.h"
#include "fixtures/floating_point.h"
#include "fixtures/overloaded.h"
#include "fixtures/packed_documents.h"
#include "harness/draw/counter_numbers.h"
#include "harness/draw/judge_draw.h"
#include "harness/laws/law_tools.h"
#include "harness/verdict/recorded_stages.h"

/// Laws of the attention stage alone, on what a drawn case's last call feeds it.
namespace attest::harness {
namespace {

/// An attention, and the case that it is of; by itself, that has the family and the dtype only.
struct AttentionOfCase {
  Case item;
  AttentionCall call;
  std::vector<reference::TokenIndex> tokens;  ///< that are judged by their truth
};

AttentionCall last_attention(const Case& item) {
  const RecordedStages recorded(item.layer, item.steps.back());
  for (const LocalisedStage& stage : recorded.stages()) {
    if (stage.stage != Stage::attention) continue;
    const auto& in = std::get<AttentionInputs>(stage.inputs);
    return {in.q, in.k, in.v, in.mask, in.is_causal};
  }
  return {};  // a step that returned has an attention stage
}

std::vector<reference::TokenIndex> all_tokens(const Tensor& q) {
  std::vector<reference::TokenIndex> tokens;
  for (std::int64_t sample = 0; sample < q.dim(0); ++sample) {
    for (std::int64_t token = 0; token < q.dim(2); ++token) tokens.push_back({sample, token});
  }
  return tokens;
}

AttentionOfCase attention_of(const CaseDraw& draw) {
  AttentionOfCase attention;
  if (draw.alone) {
    attention.item.family = draw.family;
    attention.item.layer.config.dtype = draw.dtype;
    attention.call = drawn_attention(draw);
    attention.tokens = sampled_tokens(draw, attention.call);
  } else {
    attention.item = drawn_case(draw);
    attention.call = last_attention(attention.item);
    attention.tokens = all_tokens(attention.call.q);
  }
  return attention;
}

/// nearest_valid, without what no case of calls can say but an attention by itself.
CaseDraw attention_only(CaseDraw draw) {
  if (!draw.alone) draw.filled = 0;
  draw.calls_before = 0;
  return nearest_valid(without_dropout_and_blocks(draw));
}

/// The values of a mask changed; NoMask stays.
template <class Change>
Mask with_values(const Mask& mask, Change change) {
  return std::visit(
      overloaded{[](const NoMask&) -> Mask { return NoMask{}; },
                 [&](const BoolMask& m) -> Mask { return BoolMask{change(m.values)}; },
                 [&](const PackedBlockCausalMask& m) -> Mask { return BoolMask{change(block_causal_mask(m))}; },
                 [&](const FloatMask& m) -> Mask { return FloatMask{change(m.values)}; },
                 [](const BlockMask&) -> Mask { throw std::logic_error("this law has no BlockMask"); }},
      mask);
}

AttentionCall with_keys(const AttentionCall& call, const std::vector<std::int64_t>& keys) {
  AttentionCall changed = call;
  changed.k = picked(call.k, 2, keys);
  changed.v = picked(call.v, 2, keys);
  changed.mask = with_values(
      call.mask, [&](const Tensor& values) { return values.dim(2) == 1 ? values : picked(values, 2, keys); });
  return changed;
}

/// What `transformed` gives, judged by its own budget around the truth of the original.
LawVerdict same_truth(const Implementation& implementation, const AttentionOfCase& of,
                      const AttentionCall& transformed) {
  Findings findings(of.item);
  const auto budgets = reference::attention_truth(transformed.inputs(), of.tokens, implementation.score_storage());
  const auto truth = reference::attention_truth(of.call.inputs(), of.tokens);
  findings.within_budget("attention", rows_of_tokens(implementation.attention(transformed.inputs()), of.tokens),
                         with_value(budgets, truth.value));
  return findings.verdict();
}

/// is_causal speaks of the order of keys; a mask says the same of each.
CaseDraw without_causality(CaseDraw draw) {
  if (draw.mask == MaskKind::causal) draw.mask = MaskKind::none;
  return attention_only(draw);
}

LawVerdict permute_keys(const Implementation& implementation, const CaseDraw& draw) {
  const AttentionOfCase of = attention_of(draw);
  const AttentionCall& call = of.call;
  std::vector<std::int64_t> keys(static_cast<std::size_t>(call.k.dim(2)));
  std::iota(keys.begin(), keys.end(), 0);
  auto from = numbers(draw.seed, DrawStream::law);
  for (std::size_t i = keys.size(); i > 1; --i) {
    std::swap(keys[i - 1], keys[static_cast<std::size_t>(from.below(static_cast<std::int64_t>(i)))]);
  }
  return same_truth(implementation, of, with_keys(call, keys));
}

LawVerdict duplicate_keys(const Implementation& implementation, const CaseDraw& draw) {
  const AttentionOfCase of = attention_of(draw);
  const AttentionCall& call = of.call;
  const std::int64_t s_k = call.k.dim(2);
  std::vector<std::int64_t> keys(static_cast<std::size_t>(2 * s_k));
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<std::int64_t>(i) % s_k;
  return same_truth(implementation, of, with_keys(call, keys));
}

/// The same mask as numbers: 0 or the bias where a key is visible, -inf where it is not.
Tensor as_biases(const Mask& mask) {
  const auto biases = [](const Tensor& visible) {
    Tensor values(DType::float32, visible.shape());
    const auto seen = visible.as<std::uint8_t>();
    for (std::size_t i = 0; i < seen.size(); ++i) {
      values.as<float>()[i] = seen[i] != 0 ? 0.0F : -std::numeric_limits<float>::infinity();
    }
    return values;
  };
  return std::visit(overloaded{[](const NoMask&) {
                                 return Tensor(DType::float32, {1, 1, 1});
                               },
                               [&](const BoolMask& m) { return biases(m.values); },
                               [&](const PackedBlockCausalMask& m) { return biases(block_causal_mask(m)); },
                               [](const FloatMask& m) { return m.values; },
                               [](const BlockMask&) -> Tensor { throw std::logic_error("this law has no BlockMask"); }},
                    mask);
}

/// A drawn bias is a multiple of 2^-15 below 4 in size: adding 64 is exact, so the truth stays what it was.
LawVerdict shift_logits(const Implementation& implementation, const CaseDraw& draw) {
  constexpr float kShift = 64.0F;
  const AttentionOfCase of = attention_of(draw);
  const AttentionCall& call = of.call;
  Tensor biases = as_biases(call.mask);
  for (float& bias : biases.as<float>()) bias += kShift;
  AttentionCall shifted = call;
  shifted.mask = FloatMask{biases};
  return same_truth(implementation, of, shifted);
}

Tensor scaled(const Tensor& tensor, double factor) {
  Tensor result = tensor;
  visit_floating_point(result, [&]<class T>(std::span<T> elements) {
    for (T& element : elements) element = converted<T>(factor * converted<double>(element));
  });
  return result;
}

CaseDraw without_subnormals(CaseDraw draw) {
  if (draw.family == "subnormal_v") draw.family = "randn";
  return attention_only(draw);
}

/// With 0 for what is too small to be scaled exactly. Below the smallest normal number digits run out; and beside tiny
/// weights (those of all keys where an empty slot's score is far above theirs) a product may be subnormal, whose
/// digits count in a sum of up to 2^24 times that size.
Tensor without_tiny(const Tensor& tensor, double factor) {
  const double least = factor * std::max(0x1p-102, std::ldexp(1.0, format_of(tensor.dtype()).min_exponent));
  Tensor result = tensor;
  visit_floating_point(result, [&]<class T>(std::span<T> elements) {
    for (T& element : elements) {
      if (std::fabs(converted<double>(element)) < least) element = T{};
    }
  });
  return result;
}

/// A power of two by which every value, and so every mean of them, can be multiplied in its format: 256 at most.
double factor_for(const Tensor& values) {
  double largest = 0;
  for (const double value : to_doubles(values)) {
    if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
  }
  double factor = 256;
  while (factor > 1 && largest * factor >= std::ldexp(1.0, format_of(values.dtype()).max_exponent)) factor /= 2;
  return factor;
}

LawVerdict scale_values(const Implementation& implementation, const CaseDraw& draw) {
  const AttentionOfCase of = attention_of(draw);
  const AttentionCall& call = of.call;
  const double factor = factor_for(call.v);
  AttentionCall larger = call;
  larger.v = scaled(call.v, factor);
  Findings findings(of.item);
  findings.same_bits("attention", without_tiny(implementation.attention(larger.inputs()), factor),
                     without_tiny(scaled(implementation.attention(call.inputs()), factor), factor));
  return findings.verdict();
}

/// Query heads when the key/value heads, and the queries of each, are taken in reverse.
LawVerdict permute_heads(const Implementation& implementation, const CaseDraw& draw) {
  const AttentionOfCase of = attention_of(draw);
  const AttentionCall& call = of.call;
  std::vector<std::int64_t> heads(static_cast<std::size_t>(call.q.dim(1)));
  std::vector<std::int64_t> kv_heads(static_cast<std::size_t>(call.k.dim(1)));
  std::iota(heads.rbegin(), heads.rend(), 0);
  std::iota(kv_heads.rbegin(), kv_heads.rend(), 0);
  AttentionCall permuted = call;
  permuted.q = picked(call.q, 1, heads);
  permuted.k = picked(call.k, 1, kv_heads);
  permuted.v = picked(call.v, 1, kv_heads);
  Findings findings(of.item);
  findings.same_bits("attention", implementation.attention(permuted.inputs()),
                     picked(implementation.attention(call.inputs()), 1, heads));
  return findings.verdict();
}

CaseDraw with_groups(CaseDraw draw) {
  draw.q_per_kv = std::max<std::int64_t>(draw.q_per_kv, 2);
  return attention_only(draw);
}

LawVerdict repeat_keys_and_values(const Implementation& implementation, const CaseDraw& draw) {
  const AttentionOfCase of = attention_of(draw);
  const AttentionCall& call = of.call;
  std::vector<std::int64_t> heads(static_cast<std::size_t>(call.q.dim(1)));
  for (std::size_t h = 0; h < heads.size(); ++h) heads[h] = static_cast<std::int64_t>(h) / draw.q_per_kv;
  AttentionCall repeated = call;
  repeated.k = picked(call.k, 1, heads);
  repeated.v = picked(call.v, 1, heads);
  Findings findings(of.item);
  findings.same_bits("attention", implementation.attention(repeated.inputs()), implementation.attention(call.inputs()));
  return findings.verdict();
}

using enum Agreement;
constexpr Law kAttentionLaws[] = {
    {"key_permutation", "the order of keys makes no difference", bounded, without_causality, permute_keys},
    {"duplicated_keys", "taking every key twice makes no difference", bounded, without_causality, duplicate_keys},
    {"shifted_logits", "adding a number to every score makes no difference", bounded, without_causality, shift_logits},
    {"scaled_values", "values times a power of two give that output", bitwise, without_subnormals, scale_values},
    {"head_permutation", "heads do not see each other", bitwise, attention_only, permute_heads},
    {"repeated_heads", "grouped queries equal all heads with repeated keys and values", bitwise, with_groups,
     repeat_keys_and_values},
};

}  // namespace

std::span<const Law> attention_laws() { return kAttentionLaws; }

}  // namespace attest::harness
