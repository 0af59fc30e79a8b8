#include "harness/draw/input_family.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string>

#include "fixtures/named_rows.h"
#include "harness/draw/counter_numbers.h"

namespace attest::harness {
namespace {

void fill_normal(HeadValues& heads, CounterNumbers& from, double scale = 1.0) {
  for (double& value : heads.values) value = scale * from.normal();
}

void fill_integers(HeadValues& heads, CounterNumbers& from, std::int64_t largest) {
  for (double& value : heads.values) value = static_cast<double>(from.between(-largest, largest));
}

/// Calls visit(sample, token, head) for every one.
template <class Visit>
void for_each_head(const HeadValues& heads, Visit visit) {
  for (std::int64_t sample = 0; sample < heads.b; ++sample) {
    for (std::int64_t token = 0; token < heads.s; ++token) {
      for (std::int64_t head = 0; head < heads.n; ++head) visit(sample, token, head);
    }
  }
}

/// Each token selects one key; V is an integer code of (key, head, channel), never 0, exact in bfloat16.
void one_hot(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys& visible) {
  auto from = numbers(draw.seed, DrawStream::x);
  constexpr double kPeak = 64.0;
  for_each_head(inputs.q, [&](std::int64_t sample, std::int64_t token, std::int64_t head) {
    const std::vector<std::int64_t> keys = visible(sample, token);
    if (keys.empty()) return;
    const auto chosen = keys[static_cast<std::size_t>(from.below(static_cast<std::int64_t>(keys.size())))];
    inputs.q.at(sample, token, head, chosen) = kPeak;
  });
  for_each_head(inputs.k, [&](std::int64_t sample, std::int64_t token, std::int64_t head) {
    inputs.k.at(sample, token, head, token) = kPeak;
  });
  for (std::size_t i = 0; i < inputs.v.values.size(); ++i) {
    inputs.v.values[i] = static_cast<double>(1 + (i * 7 + i / 251) % 255);
  }
}

/// All keys of a head are one integer vector: every weight is exactly 1 / s_k.
void identical_keys(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  auto from = numbers(draw.seed, DrawStream::x);
  fill_integers(inputs.q, from, 3);
  fill_integers(inputs.k, from, 3);
  fill_integers(inputs.v, from, 8);
  for_each_head(inputs.k, [&](std::int64_t sample, std::int64_t token, std::int64_t head) {
    for (std::int64_t c = 0; c < inputs.k.h_d; ++c) {
      inputs.k.at(sample, token, head, c) = inputs.k.at(sample, 0, head, c);
    }
  });
}

/// Integers, rows with a few sharp peaks.
void small_integers(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  auto from = numbers(draw.seed, DrawStream::x);
  fill_integers(inputs.q, from, 3);
  fill_integers(inputs.k, from, 3);
  fill_integers(inputs.v, from, 3);
}

/// Key j of every head gets about the logit logit_of(j); the other channels carry small noise; V is random.
template <class LogitOf>
void steer(SelectedInputs& inputs, const CaseDraw& draw, LogitOf logit_of) {
  auto from = numbers(draw.seed, DrawStream::x);
  fill_normal(inputs.q, from, 0.1);
  fill_normal(inputs.k, from, 0.1);
  fill_normal(inputs.v, from);
  for_each_head(inputs.q, [&](std::int64_t sample, std::int64_t token, std::int64_t head) {
    inputs.q.at(sample, token, head, 0) = std::sqrt(static_cast<double>(inputs.q.h_d));
  });
  for_each_head(inputs.k, [&](std::int64_t sample, std::int64_t token, std::int64_t head) {
    inputs.k.at(sample, token, head, 0) = logit_of(token);
  });
}

/// The first keys have weights of about 1e-9, 1e-20, 1e-32, down to the last normal numbers of float32, and values that
/// make up for them. Their logits are one product: noise on top of one that large would be rounded again and again, and
/// a plain sum may then exceed the budget.
void rare_key(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  constexpr double kWeights[] = {1e-9, 1e-20, 1e-32};
  const auto weight = [&](std::int64_t key) { return key < std::ssize(kWeights) ? kWeights[key] : 1.0; };
  steer(inputs, draw, [&](std::int64_t key) { return std::log(weight(key)); });
  for_each_head(inputs.v, [&](std::int64_t sample, std::int64_t token, std::int64_t head) {
    if (token >= std::ssize(kWeights)) return;
    for (std::int64_t c = 0; c < inputs.v.h_d; ++c) inputs.v.at(sample, token, head, c) /= weight(token);
    for (std::int64_t c = 1; c < inputs.k.h_d; ++c) inputs.k.at(sample, token, head, c) = 0.0;
  });
}

/// Every key beats the ones before it: an online softmax rescales at each block.
void ascending_logits(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  steer(inputs, draw, [](std::int64_t key) { return 1.5 * static_cast<double>(key); });
}

/// The last key has by far the largest logit, but the others still count.
void max_in_last_block(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  steer(inputs, draw, [&](std::int64_t key) { return key == inputs.k.s - 1 ? 6.0 : 0.0; });
}

/// Odd keys, which the mask hides, have logits 150 above the others: a finite mask such as -1e2 fails.
void masked_rows(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  steer(inputs, draw, [](std::int64_t key) { return key % 2 == 1 ? 150.0 : 0.0; });
}

/// Row i is steered 1 to 5 times as far.
void scale_rows(SelectedInputs& inputs) {
  for_each_head(inputs.q, [&](std::int64_t sample, std::int64_t token, std::int64_t head) {
    inputs.q.at(sample, token, head, 0) *= static_cast<double>(1 + (sample + token) % 5);
  });
}

/// Every score of a row lies between -90 and -500: a padded key of score 0 that enters the maximum wipes the row out.
void far_below(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  auto from = numbers(draw.seed, DrawStream::y);
  steer(inputs, draw, [&](std::int64_t) { return -92.0 - 0.5 * (1.0 + from.normal()); });
  scale_rows(inputs);
}

/// The same above: without the maximum subtracted, the exponential overflows.
void far_above(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  auto from = numbers(draw.seed, DrawStream::y);
  steer(inputs, draw, [&](std::int64_t) { return 92.0 + 0.5 * (1.0 + from.normal()); });
  scale_rows(inputs);
}

/// All scores of a row are one huge number.
void equal_huge(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  steer(inputs, draw, [](std::int64_t) { return 96.0; });
  scale_rows(inputs);
  for_each_head(inputs.k, [&](std::int64_t sample, std::int64_t token, std::int64_t head) {
    for (std::int64_t c = 1; c < inputs.k.h_d; ++c) inputs.k.at(sample, token, head, c) = 0.0;
  });
}

struct Scales {
  double q = 1.0, v = 1.0;
};

void scaled_normal(SelectedInputs& inputs, const CaseDraw& draw, Scales scales) {
  auto from = numbers(draw.seed, DrawStream::x);
  fill_normal(inputs.q, from, scales.q);
  fill_normal(inputs.k, from);
  fill_normal(inputs.v, from, scales.v);
}

/// Random logits of a standard deviation of some 300.
void large_logits(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  scaled_normal(inputs, draw, {.q = 300.0});
}

/// Values below the smallest normal float32.
void subnormal_v(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  scaled_normal(inputs, draw, {.v = 1e-40});
}

/// Value j is the unit vector j: the output is the matrix of weights itself.
void unit_v(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  scaled_normal(inputs, draw, {.v = 0.0});
  for_each_head(inputs.v, [&](std::int64_t sample, std::int64_t token, std::int64_t head) {
    inputs.v.at(sample, token, head, token) = 1.0;
  });
}

/// Pairs of values near +1e4 and -1e4 on keys of nearly equal weight.
void cancelling_v(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys&) {
  steer(inputs, draw, [](std::int64_t) { return 0.0; });
  for_each_head(inputs.v, [&](std::int64_t sample, std::int64_t token, std::int64_t head) {
    for (std::int64_t c = 0; c < inputs.v.h_d; ++c) inputs.v.at(sample, token, head, c) += token % 2 == 0 ? 1e4 : -1e4;
  });
}

constexpr std::array kFamilies = {
    InputFamily{.name = "randn"},
    InputFamily{.name = "small_integers", .select = small_integers, .steers_logits = true},
    InputFamily{.name = "one_hot", .select = one_hot, .steers_logits = true, .key_for_each_channel = true},
    InputFamily{.name = "identical_keys", .select = identical_keys, .steers_logits = true, .equal_weights = true},
    InputFamily{.name = "unit_v", .select = unit_v, .key_for_each_channel = true},
    InputFamily{.name = "cancelling_v", .select = cancelling_v, .steers_logits = true},
    InputFamily{.name = "subnormal_v", .select = subnormal_v, .outside_float16 = true},
    InputFamily{.name = "rare_key", .select = rare_key, .steers_logits = true, .outside_float16 = true},
    InputFamily{.name = "large_logits", .select = large_logits, .steers_logits = true},
    InputFamily{.name = "far_below", .select = far_below, .steers_logits = true},
    InputFamily{.name = "far_above", .select = far_above, .steers_logits = true},
    InputFamily{.name = "equal_huge", .select = equal_huge, .steers_logits = true},
    InputFamily{.name = "ascending_logits", .select = ascending_logits, .steers_logits = true, .outside_float16 = true},
    InputFamily{.name = "max_in_last_block", .select = max_in_last_block, .steers_logits = true},
    InputFamily{.name = "masked_rows", .select = masked_rows, .steers_logits = true, .hides_odd_keys = true},
    InputFamily{.name = "nan_weight", .nan_in_weights = true},
    InputFamily{.name = "hidden_nan", .hides_odd_keys = true, .poisons_hidden_keys = true},
};

constexpr auto kNames = [] {
  std::array<std::string_view, kFamilies.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kFamilies[i].name;
  return names;
}();

}  // namespace

std::span<const std::string_view> drawn_families() { return kNames; }

const InputFamily& input_family(std::string_view name) { return row_named(kFamilies, "family", name); }

}  // namespace attest::harness
