#include "harness/explain/attention_hypotheses.h"

namespace attest::harness::explain {

Hypotheses dropout_hypotheses(const AttentionModel& right, double dropout_p) {
  Hypotheses all;
  const auto add = [&](const char* id, const char* words, Kept kept) {
    AttentionModel wrong = right;
    wrong.kept = std::move(kept);
    all.push_back(hypothesis({id, words}, wrong));
  };
  // Where p is 1 the right factors no longer tell who is kept: there is nothing that could be kept wrongly.
  const auto keeps = [kept = right.kept](const auto& at, auto key) { return kept(at, key) != 0.0; };
  add("dropout_missing", "no weight is dropped", [](const auto&, auto) { return 1.0; });
  add("dropout_unscaled", "the weights that are kept are not divided by 1 - p",
      [keeps](const auto& at, auto key) { return keeps(at, key) ? 1.0 : 0.0; });
  add("dropout_scaled_by_p", "the weights that are kept are divided by p, not by 1 - p",
      [keeps, dropout_p](const auto& at, auto key) { return keeps(at, key) ? 1 / dropout_p : 0.0; });
  add("dropout_of_other_head", "a head drops the weights that the next head is to drop",
      [kept = right.kept, n_h = right.heads()](auto at, auto key) { return at.h = (at.h + 1) % n_h, kept(at, key); });
  return all;
}

}  // namespace attest::harness::explain
