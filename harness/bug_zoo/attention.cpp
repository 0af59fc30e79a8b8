#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "harness/bug_zoo/kernels.h"
#include "harness/bug_zoo/online_softmax.h"
#include "harness/bug_zoo/rounding.h"
#include "harness/bug_zoo/scores.h"
#include "harness/bug_zoo/tensors.h"

namespace attest::bug_zoo {
namespace {

struct KeyRange {
  std::int64_t begin, end;
};

/// All rows of one call, one after another.
class Attention {
 public:
  Attention(const attest_attention& call, const Recipe& recipe, std::int32_t threads)
      : call_(call),
        recipe_(recipe),
        scores_(call, recipe),
        s_k_(extent(*call.k, 2)),
        h_d_(extent(*call.q, 3)),
        threads_(threads),
        parts_(recipe.has(Bug::depends_on_threads) ? threads : 1) {}

  void all_rows() const;

 private:
  void attend(const Row& row, float* out) const;
  OnlineSoftmax one_pass(const Row& row, std::int64_t channels) const;
  void pad(OnlineSoftmax& softmax) const;
  void absorb(OnlineSoftmax& softmax, const Row& row, KeyRange keys) const;
  void absorb_block(OnlineSoftmax& softmax, const Row& row, KeyRange keys) const;
  void second_pass(const Row& row, const OnlineSoftmax& first, float* out) const;
  void write(const OnlineSoftmax& softmax, float* out) const;
  void write_masked_row(const Row& row, float* out) const;
  void store(float* out, float value) const;

  const attest_attention& call_;
  const Recipe& recipe_;
  Scores scores_;
  std::int64_t s_k_, h_d_;
  std::int32_t threads_;
  std::int64_t parts_;
};

/// What the last row of the call before left: a call's first row finds it.
void add_leftover(OnlineSoftmax& softmax, bool is_first_row) {
  static std::optional<OnlineSoftmax> workspace;
  if (is_first_row && workspace) softmax.add_leftover(*workspace);
  workspace.emplace(softmax);
}

/// The key/value head that a query head reads.
std::int64_t key_head(std::int64_t head, std::int64_t n_h, std::int64_t n_kv, const Recipe& recipe) {
  constexpr std::int64_t kManyHeads = 32;
  const bool tiles = recipe.has(Bug::heads_tiled) || (recipe.has(Bug::many_heads_tiled) && n_h > kManyHeads);
  return tiles ? head % n_kv : head / (n_h / n_kv);
}

void Attention::all_rows() const {
  const std::int64_t b = extent(*call_.q, 0), n_h = extent(*call_.q, 1), s_x = extent(*call_.q, 2);
  const std::int64_t n_kv = extent(*call_.k, 1);
  const std::int64_t written = recipe_.has(Bug::last_row_unwritten) ? s_x - s_x % 2 : s_x;
  const std::int64_t samples = recipe_.has(Bug::samples_beyond_third_unwritten) ? std::min<std::int64_t>(b, 3) : b;
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    for (std::int64_t head = 0; head < n_h; ++head) {
      const std::int64_t g = key_head(head, n_h, n_kv, recipe_);
      const bool swaps = recipe_.has(Bug::heads_swapped) && (head ^ 1) < n_h;
      const std::int64_t out_head = swaps ? head ^ 1 : head;
      for (std::int64_t token = 0; token < written; ++token) {
        const std::int64_t at = (sample * n_h + head) * s_x + token, rows = b * n_h * s_x;
        const std::int64_t other = threads_ > 1 ? (at + rows / 2) % rows : at;
        const Row row{elements(*call_.q) + at * h_d_,
                      elements(*call_.k) + (sample * n_kv + g) * s_k_ * h_d_,
                      elements(*call_.v) + (sample * n_kv + g) * s_k_ * h_d_,
                      sample,
                      head,
                      token,
                      elements(*call_.q) + other * h_d_};
        attend(row, writable(*call_.out) + ((sample * n_h + out_head) * s_x + token) * h_d_);
      }
    }
  }
}

void Attention::attend(const Row& row, float* out) const {
  const bool twice = recipe_.design.passes == Passes::two;
  const OnlineSoftmax softmax = one_pass(row, twice ? 0 : h_d_);
  if (!softmax.saw_a_key()) {
    write_masked_row(row, out);
  } else if (twice) {
    second_pass(row, softmax, out);
  } else {
    write(softmax, out);
  }
}

OnlineSoftmax Attention::one_pass(const Row& row, std::int64_t channels) const {
  OnlineSoftmax softmax(recipe_, channels);
  const std::int64_t part = (scores_.keys() + parts_ - 1) / parts_;
  for (std::int64_t begin = 0; begin < scores_.keys(); begin += part) {
    const KeyRange keys{begin, std::min(begin + part, scores_.keys())};
    if (parts_ == 1) {
      absorb(softmax, row, keys);
    } else {
      OnlineSoftmax of_part(recipe_, channels);
      absorb(of_part, row, keys);
      softmax.merge(of_part);
    }
  }
  pad(softmax);
  if (recipe_.has(Bug::workspace_not_cleared)) add_leftover(softmax, row.q == elements(*call_.q));
  return softmax;
}

/// Rounds the keys up to whole blocks.
void Attention::pad(OnlineSoftmax& softmax) const {
  const std::int64_t block = recipe_.design.key_block, padding = (block - scores_.keys() % block) % block;
  const bool is_unmasked = call_.mask == nullptr && call_.kv_num_blocks == nullptr && call_.is_causal == 0;
  if (recipe_.has(Bug::padding_in_row_sum) && is_unmasked) softmax.absorb_padding(padding, true);
  if (recipe_.has(Bug::padding_in_row_max) && extent(*call_.q, 2) == 1) softmax.absorb_padding(padding, false);
}

void Attention::absorb(OnlineSoftmax& softmax, const Row& row, KeyRange keys) const {
  const std::int64_t count = keys.end - keys.begin;
  const std::int64_t block = std::min(recipe_.design.key_block, count);
  const std::int64_t blocks = (count + block - 1) / block;
  for (std::int64_t n = 0; n < blocks; ++n) {
    const std::int64_t place = recipe_.design.order == KeyOrder::ascending ? n : blocks - 1 - n;
    std::int64_t begin = keys.begin + place * block;
    const std::int64_t end = std::min(begin + block, keys.end);
    const bool is_tail = end - begin < block;
    if (is_tail && recipe_.has(Bug::tail_key_counted_twice)) --begin;
    absorb_block(softmax, row, {begin, end});
  }
}

void Attention::absorb_block(OnlineSoftmax& softmax, const Row& row, KeyRange keys) const {
  std::vector<Score> block;
  for (std::int64_t key = keys.begin; key < keys.end; ++key) {
    block.insert(block.end(), static_cast<std::size_t>(scores_.times_met(row, key)), scores_.at(row, key));
  }
  if (recipe_.has(Bug::block_hidden_by_its_first_key) && block.front().hidden) return;
  softmax.absorb(block, row.v);
}

void Attention::second_pass(const Row& row, const OnlineSoftmax& first, float* out) const {
  std::vector<Sum> values(static_cast<std::size_t>(h_d_), Sum(recipe_.design.accumulation));
  for (std::int64_t key = 0; key < scores_.keys(); ++key) {
    const Score score = scores_.at(row, key);
    if (score.hidden) continue;
    const float probability = exponential(score.logit - first.largest(), recipe_) / first.sum();
    const float weight = probability * score.kept;
    for (std::int64_t c = 0; c < h_d_; ++c) values[static_cast<std::size_t>(c)].add(weight, row.v[key * h_d_ + c]);
  }
  for (std::int64_t c = 0; c < h_d_; ++c) store(out + c, values[static_cast<std::size_t>(c)].value());
}

void Attention::write(const OnlineSoftmax& softmax, float* out) const {
  constexpr int kBitsOfAnEstimate = 12;
  for (std::int64_t c = 0; c < h_d_; ++c) {
    const float value = softmax.values()[static_cast<std::size_t>(c)].value();
    const bool estimates = recipe_.has(Bug::approximate_reciprocal);
    store(out + c, estimates ? value * rounded_to_bits(1 / softmax.sum(), kBitsOfAnEstimate) : value / softmax.sum());
  }
}

void Attention::write_masked_row(const Row& row, float* out) const {
  for (std::int64_t c = 0; c < h_d_; ++c) {
    float value = 0;
    if (recipe_.has(Bug::masked_rows_nan)) value = std::numeric_limits<float>::quiet_NaN();
    if (recipe_.has(Bug::masked_rows_mean)) {
      for (std::int64_t key = 0; key < s_k_; ++key) value += row.v[key * h_d_ + c] / static_cast<float>(s_k_);
    }
    store(out + c, value);
  }
}

void Attention::store(float* out, float value) const {
  if (recipe_.has(Bug::flush_to_zero) && std::fpclassify(value) == FP_SUBNORMAL) value = 0;
  *out = recipe_.has(Bug::output_added_to) ? *out + value : value;
}

}  // namespace

void attention(const attest_attention& call, const Recipe& recipe, std::int32_t threads) {
  Attention(call, recipe, threads).all_rows();
}

}  // namespace attest::bug_zoo
