#include <fmt/format.h>

#include <algorithm>

#include "harness/explain/attention_hypotheses.h"

namespace attest::harness::explain {
namespace {

using MaskRow = std::function<reference::RowIndex(const reference::RowIndex&)>;

class MaskReadingBuilder {
 public:
  explicit MaskReadingBuilder(const AttentionModel& right) : right_(right) {}

  Hypotheses all() {
    add_other_rows();
    add_other_keys();
    return std::move(all_);
  }

 private:
  void add_row(std::string id, std::string words, MaskRow mask_row) {
    AttentionModel wrong = right_;
    wrong.mask_row = std::move(mask_row);
    all_.push_back(hypothesis({std::move(id), std::move(words)}, wrong));
  }

  void add_other_rows() {
    const std::int64_t b_end = right_.samples(), s = right_.tokens(), n_h = right_.heads();
    const std::int64_t group = n_h / right_.kv_heads();
    if (b_end > 1) {
      add_row("mask_of_first_sample", "every sample reads the mask of sample 0", [](auto at) { return at.b = 0, at; });
      add_row("mask_of_other_sample", "a sample reads the mask of the next sample",
              [b_end](auto at) { return at.b = (at.b + 1) % b_end, at; });
    }
    if (right_.mask->visible.shape(1) > 1) {
      add_row("mask_of_first_head", "every head reads the mask of head 0", [](auto at) { return at.h = 0, at; });
      add_row("mask_of_other_head", "a head reads the mask of the next head",
              [n_h](auto at) { return at.h = (at.h + 1) % n_h, at; });
    }
    if (s > 1) {
      add_row("mask_of_first_token", "every token reads the mask's row of token 0",
              [](auto at) { return at.i = 0, at; });
      add_row("mask_of_other_token", "a token reads the mask's row of the next token",
              [s](auto at) { return at.i = std::min(at.i + 1, s - 1), at; });
      add_row("mask_of_other_token", "a token reads the mask's row of the token before",
              [](auto at) { return at.i = std::max<std::int64_t>(at.i - 1, 0), at; });
    }
    const auto walked = [b_end, s](auto at, std::int64_t rows) {
      const std::int64_t row = (at.b * s + at.i + rows) % (b_end * s);
      return at.b = row / s, at.i = row % s, at;
    };
    if (b_end * s == 1) return;
    add_row("mask_by_head",
            "the mask is read as if its rows were the heads of a group: head h is hidden by the row h mod " +
                fmt::format("{} places on", group),
            [=](auto at) { return walked(at, at.h % group); });
    add_row("mask_by_head", "the mask is read as if it had heads: head h is hidden by the row that many times s_x on",
            [=](auto at) { return walked(at, at.h * s); });
  }

  /// The mask's own numbers, each at another key.
  void add_keys(std::string words, std::function<std::int64_t(const reference::RowIndex&, std::int64_t j)> flat) {
    const std::int64_t s = right_.tokens(), keys = right_.keys(), end = right_.samples() * s * keys;
    AttentionModel wrong = right_;
    wrong.weigh = [=, mask = right_.mask, flat = std::move(flat)](const ScoredRow& row) {
      ScoredRow other = row;
      for (std::size_t j = 0; j < row.visible.size(); ++j) {
        const std::int64_t at = std::clamp<std::int64_t>(flat(row.at, static_cast<std::int64_t>(j)), 0, end - 1);
        const std::int64_t from = at / keys;
        other.visible[j] = reference::broadcast_element(mask->visible, from / s, row.at.h, from % s, at % keys);
        if (mask->bias)
          other.bias[j] = reference::broadcast_element(*mask->bias, from / s, row.at.h, from % s, at % keys);
      }
      return softmax(other);
    };
    all_.push_back(hypothesis({"mask_stride", std::move(words)}, wrong));
  }

  void add_other_keys() {
    const std::int64_t s = right_.tokens(), keys = right_.keys();
    const auto row = [s](const reference::RowIndex& at) { return at.b * s + at.i; };
    add_keys("the mask is read one key too far on", [=](const auto& at, auto j) { return row(at) * keys + j + 1; });
    add_keys("the mask is read one key too early", [=](const auto& at, auto j) { return row(at) * keys + j - 1; });
    if (s == keys) {
      add_keys("the mask is read transposed", [=](const auto& at, auto j) { return (at.b * s + j) * keys + at.i; });
    }
    if (s == 1) return;
    for (const std::int64_t other : {keys - 1, keys + 1, s}) {
      if (other == keys || other == 0) continue;
      add_keys(fmt::format("the mask's rows are taken to be {} long instead of {}", other, keys),
               [=](const auto& at, auto j) { return at.b * s * keys + at.i * other + j; });
    }
    for (const std::int64_t multiple : {4, 8, 16, 32, 64, 128}) {
      const std::int64_t padded = (keys + multiple - 1) / multiple * multiple;
      if (padded == keys || padded - keys >= multiple) continue;
      add_keys(fmt::format("the mask's rows are taken to be {} long, padded, instead of {}", padded, keys),
               [=](const auto& at, auto j) { return at.b * s * padded + at.i * padded + j; });
    }
  }

  const AttentionModel& right_;
  Hypotheses all_;
};

}  // namespace

Hypotheses mask_reading_hypotheses(const AttentionModel& right) { return MaskReadingBuilder(right).all(); }

}  // namespace attest::harness::explain
