#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "harness/explain/attention_hypotheses.h"

namespace attest::harness::explain {
namespace {

using VisibleAt = std::function<bool(const reference::RowIndex& at, std::int64_t j)>;

AttentionModel weighing(const AttentionModel& right, Weigh weigh) {
  AttentionModel wrong = right;
  wrong.weigh = std::move(weigh);
  return wrong;
}

VisibleAt visible_by(const AttentionModel& right) {
  return [mask = right.mask](const reference::RowIndex& at, std::int64_t j) {
    return reference::broadcast_element(mask->visible, at.b, at.h, at.i, j);
  };
}

/// The same attention where token i sees the keys that `visible_at` says, without any bias.
AttentionModel seeing(const AttentionModel& right, const VisibleAt& visible_at) {
  return weighing(right, [visible_at](const ScoredRow& row) {
    ScoredRow other = row;
    other.bias.clear();
    for (std::size_t j = 0; j < row.visible.size(); ++j) {
      other.visible[j] = visible_at(row.at, static_cast<std::int64_t>(j));
    }
    return softmax(other);
  });
}

bool is_blind(const ScoredRow& row) {
  return std::ranges::none_of(row.visible, [](bool seen) { return seen; });
}

std::vector<double> mean_if_blind(const ScoredRow& row) {
  if (!is_blind(row)) return softmax(row);
  return std::vector<double>(row.visible.size(), 1.0 / static_cast<double>(row.visible.size()));
}

std::vector<double> nan_if_blind(const ScoredRow& row) {
  if (!is_blind(row)) return softmax(row);
  return std::vector<double>(row.visible.size(), std::numeric_limits<double>::quiet_NaN());
}

/// softmax over all keys, then zeros for the hidden ones: the weights no longer add up to one.
std::vector<double> hide_after_softmax(const ScoredRow& row) {
  ScoredRow unmasked = row;
  unmasked.visible.assign(unmasked.visible.size(), true);
  for (std::size_t j = 0; j < row.bias.size(); ++j) unmasked.bias[j] = row.visible[j] ? row.bias[j] : 0.0;
  std::vector<double> weights = softmax(unmasked);
  for (std::size_t j = 0; j < weights.size(); ++j) {
    if (!row.visible[j]) weights[j] = 0.0;
  }
  return weights;
}

/// A hidden key's logit is its score plus a finite number; float32 arithmetic, as the effect lives in its rounding.
Weigh finite_mask(float value) {
  return [value](const ScoredRow& row) {
    ScoredRow finite = row;
    for (std::size_t j = 0; j < row.scores.size(); ++j) {
      const double bias = row.bias.empty() || !row.visible[j] ? 0.0 : row.bias[j];
      finite.scores[j] =
          row.visible[j] ? row.scores[j] + bias : static_cast<double>(static_cast<float>(row.scores[j]) + value);
    }
    finite.bias.clear();
    finite.visible.assign(finite.visible.size(), true);
    return softmax(finite);
  };
}

/// Blocks without a visible key are skipped; in the others hidden keys still count in the row's sum.
Weigh hide_after_softmax_in_blocks(std::size_t block) {
  return [block](const ScoredRow& row) {
    ScoredRow unmasked = row;
    for (std::size_t first = 0; first < row.visible.size(); first += block) {
      const std::size_t end = std::min(first + block, row.visible.size());
      bool any = false;
      for (std::size_t j = first; j < end; ++j) any = any || row.visible[j];
      for (std::size_t j = first; j < end; ++j) {
        unmasked.visible[j] = any;
        if (!row.bias.empty() && !row.visible[j]) unmasked.bias[j] = 0.0;
      }
    }
    std::vector<double> weights = softmax(unmasked);
    for (std::size_t j = 0; j < weights.size(); ++j) weights[j] = row.visible[j] ? weights[j] : 0.0;
    return weights;
  };
}

/// A block whose first key is hidden is skipped as a whole.
Weigh skip_blocks(std::size_t block) {
  return [block](const ScoredRow& row) {
    ScoredRow fewer = row;
    for (std::size_t j = 0; j < row.visible.size(); ++j)
      fewer.visible[j] = row.visible[j] && row.visible[j / block * block];
    return softmax(fewer);
  };
}

/// Keys with a bias of `bound` or below are taken for hidden.
Weigh cut_bias(double bound) {
  return [bound](const ScoredRow& row) {
    ScoredRow fewer = row;
    for (std::size_t j = 0; j < row.bias.size(); ++j) fewer.visible[j] = row.visible[j] && row.bias[j] > bound;
    return softmax(fewer);
  };
}

Weigh bias_times(double factor) {
  return [factor](const ScoredRow& row) {
    ScoredRow scaled = row;
    for (std::size_t j = 0; j < row.bias.size(); ++j) {
      if (row.visible[j]) scaled.bias[j] *= factor;
    }
    return softmax(scaled);
  };
}

void add_causal(Hypotheses& all, const AttentionModel& right) {
  const auto shifted = [&](std::int64_t by) {
    return seeing(right, [by](const auto& at, auto j) { return j <= at.i + by; });
  };
  all.push_back(
      hypothesis({"causal_shifted", "the causal bound is one too high: token i sees keys 0..i+1"}, shifted(1)));
  all.push_back(
      hypothesis({"causal_shifted", "the causal bound is one too low: token i sees keys 0..i-1"}, shifted(-1)));
  if (right.keys() != right.tokens()) {
    all.push_back(hypothesis(
        {"causal_bottom_right", fmt::format("the causal bound is aligned at the last key, not the first: token i sees "
                                            "keys 0..i+{}",
                                            right.keys() - right.tokens())},
        shifted(right.keys() - right.tokens())));
  }
  all.push_back(
      hypothesis({"causal_ignored", "the causal bound is ignored: every token sees every key"}, shifted(right.keys())));
  for (const std::int64_t block : {2, 4, 8, 16, 32, 64, 128}) {
    all.push_back(
        hypothesis({"causal_by_block",
                    fmt::format("the causal bound is that of a block of {} keys: hidden keys in the diagonal block "
                                "are seen",
                                block)},
                   seeing(right, [block](const auto& at, auto j) { return j / block <= at.i / block; })));
  }
}

void add_biased(Hypotheses& all, const AttentionModel& right) {
  const double root = 1 / right.scale;
  all.push_back(hypothesis({"mask_scaled", "the mask is added before the scale: it arrives divided by sqrt(h_d)"},
                           weighing(right, bias_times(right.scale))));
  all.push_back(
      hypothesis({"mask_scaled", "the mask arrives multiplied by sqrt(h_d)"}, weighing(right, bias_times(root))));
  for (const double bound : {-1e3, -1e4, -65504.0, -1e9, -3e38}) {
    all.push_back(hypothesis({"mask_cut", fmt::format("a key with a bias of {:g} or below is taken for hidden", bound)},
                             weighing(right, cut_bias(bound))));
  }
  all.push_back(hypothesis({"mask_added_twice", "the mask is added twice"}, weighing(right, bias_times(2.0))));
  all.push_back(hypothesis({"mask_subtracted", "the mask is subtracted"}, weighing(right, bias_times(-1.0))));
  all.push_back(hypothesis({"mask_base", "the mask is not turned into the exponent's base: log2(e) is missing from it"},
                           weighing(right, bias_times(std::numbers::ln2))));
}

/// The mask holds for the first keys only, or the keys beyond them are out of sight.
void add_ending(Hypotheses& all, const AttentionModel& right) {
  const VisibleAt visible = visible_by(right);
  for (std::int64_t end = 1; end < right.keys(); end = end < 32 ? end + 1 : end / 16 * 16 + 16) {
    all.push_back(hypothesis({"mask_ends", fmt::format("the mask is ignored from key {} on", end)},
                             seeing(right, [=](const auto& at, auto j) { return j >= end || visible(at, j); })));
  }
}

void add_masked(Hypotheses& all, const AttentionModel& right) {
  const VisibleAt visible = visible_by(right);
  const auto everywhere = [](const auto&, auto) { return true; };
  all.push_back(
      hypothesis({"mask_ignored", "the mask is ignored: every token sees every key"}, seeing(right, everywhere)));
  if (right.mask->bias) {
    add_biased(all, right);
  } else {
    all.push_back(hypothesis({"mask_inverted", "the mask is inverted: what it hides is seen, and the reverse"},
                             seeing(right, [=](const auto& at, auto j) { return !visible(at, j); })));
  }
}

}  // namespace

Hypotheses mask_hypotheses(const AttentionModel& right, bool is_causal) {
  Hypotheses all = {
      hypothesis({"masked_row_nan", "rows that see no key hold NaN instead of zero"}, weighing(right, nan_if_blind)),
      hypothesis(
          {"masked_row_mean",
           "rows that see no key hold the mean of all values instead of zero, as if hidden keys had one finite logit"},
          weighing(right, mean_if_blind))};
  if (is_causal) {
    add_causal(all, right);
  } else {
    add_masked(all, right);
    all.push_back(hypothesis(
        {"causal_added", "a causal bound is applied where there is none: token i sees keys 0..i"},
        seeing(right, [visible = visible_by(right)](const auto& at, auto j) { return j <= at.i && visible(at, j); })));
  }
  all.push_back(hypothesis(
      {"mask_after_softmax", "the mask is applied after the softmax: hidden keys still count in the row's sum"},
      weighing(right, hide_after_softmax)));
  for (const std::size_t block : {2, 4, 8, 16, 32, 64}) {
    const std::string of = fmt::format(" (as with blocks of {} keys)", block);
    all.push_back(hypothesis(
        {"mask_after_softmax", "the mask is applied after the softmax: hidden keys still count in the row's sum" + of},
        weighing(right, hide_after_softmax_in_blocks(block))));
    all.push_back(hypothesis({"block_skipped", "a block whose first key is hidden is skipped as a whole" + of},
                             weighing(right, skip_blocks(block))));
  }
  // The rest of a mask that hides empty slots only is as good as applied after the softmax.
  if (!is_causal && !right.mask->bias) add_ending(all, right);
  // The rounding of score + value is relative to `value`, and a row of hidden keys only is all rounding.
  constexpr double kSlack = 0x1p-8;
  for (const float value : {-100.0F, -1000.0F, -1e4F, -32768.0F, -65504.0F, -1e5F, -1e9F, -3.4028235e38F}) {
    all.push_back(hypothesis({"finite_mask", fmt::format("a hidden key gets {:g} added instead of -inf", value)},
                             weighing(right, finite_mask(value)), value > -1e6F ? kSlack : 0.0));
  }
  return all;
}

}  // namespace attest::harness::explain
