#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "harness/explain/attention_hypotheses.h"

namespace attest::harness::explain {
namespace {

/// What a run of keys amounts to: its largest logit, and the sum of exp(logit - largest).
struct Part {
  double largest = -kInfinity, sum = 0.0;
};

/// The weight of a part beside the others, before they are made to add up to one.
using PartWeight = double (*)(const Part& part, double largest);

double equal(const Part&, double) { return 1.0; }
double without_sum(const Part& part, double largest) { return std::exp(part.largest - largest); }
double without_largest(const Part& part, double) { return part.sum; }
double to_base_two(const Part& part, double largest) { return std::exp2(part.largest + std::log(part.sum) - largest); }

Part part_of(const std::vector<double>& logits, std::size_t first, std::size_t end) {
  Part part;
  for (std::size_t j = first; j < end; ++j) part.largest = std::max(part.largest, logits[j]);
  for (std::size_t j = first; j < end && part.largest > -kInfinity; ++j) part.sum += std::exp(logits[j] - part.largest);
  return part;
}

/// Each run of `keys` keys by itself, then merged.
Weigh merged(std::size_t keys, PartWeight weight_of) {
  return [keys, weight_of](const ScoredRow& row) {
    const std::vector<double> logits = row.logits();
    const double largest = *std::ranges::max_element(logits);
    std::vector<double> weights(logits.size(), 0.0);
    double total = 0.0;
    for (std::size_t first = 0; first < logits.size(); first += keys) {
      const std::size_t end = std::min(first + keys, logits.size());
      const Part part = part_of(logits, first, end);
      if (part.sum == 0.0) continue;
      const double weight = weight_of(part, largest);
      total += weight;
      for (std::size_t j = first; j < end; ++j) weights[j] = weight * std::exp(logits[j] - part.largest) / part.sum;
    }
    for (double& weight : weights) weight /= total == 0.0 ? 1.0 : total;
    return weights;
  };
}

/// Runs as kernels cut them: a number of equal ones, or of so many keys.
std::set<std::size_t> run_lengths(std::size_t keys) {
  std::set<std::size_t> lengths;
  for (const std::size_t parts : {2, 3, 4, 8, 16}) lengths.insert((keys + parts - 1) / parts);
  for (const std::size_t length : {8, 16, 32, 64, 128, 256, 512, 1024}) lengths.insert(length);
  std::erase_if(lengths, [keys](std::size_t length) { return length < 2 || length >= keys; });
  return lengths;
}

}  // namespace

Hypotheses merge_hypotheses(const AttentionModel& right) {
  Hypotheses all;
  for (const std::size_t keys : run_lengths(static_cast<std::size_t>(right.keys()))) {
    const auto add = [&](const char* how, PartWeight weight_of) {
      AttentionModel wrong = right;
      wrong.weigh = merged(keys, weight_of);
      all.push_back(hypothesis(
          {"merge_weights", fmt::format("partial results are merged {} (as with runs of {} keys)", how, keys)}, wrong));
    };
    add("as if they weighed the same", equal);
    add("by their largest logits alone, without their sums", without_sum);
    add("by their sums alone, without their largest logits", without_largest);
    add("with base 2 where the base is e", to_base_two);
  }
  return all;
}

}  // namespace attest::harness::explain
