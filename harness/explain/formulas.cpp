#include "harness/explain/formulas.h"

#include <algorithm>
#include <iterator>

#include "harness/explain/attention_hypotheses.h"
#include "harness/explain/stage_hypotheses.h"

namespace attest::harness::explain {
namespace {

struct Formulas {
  const Residual& residual;

  Hypotheses operator()(const LinearInputs& in) const { return linear_hypotheses(in, residual); }
  Hypotheses operator()(const RotaryInputs& in) const { return rotary_hypotheses(in); }
  Hypotheses operator()(const NormInputs& in) const { return norm_hypotheses(in); }
  Hypotheses operator()(const AttentionInputs& in) const {
    const AttentionModel right(in);
    // The narrower ones first: where a wide one changes nothing else, both fit.
    Hypotheses all = key_value_hypotheses(right);
    std::ranges::move(mask_hypotheses(right, in.is_causal), std::back_inserter(all));
    std::ranges::move(scale_hypotheses(right), std::back_inserter(all));
    std::ranges::move(softmax_hypotheses(right), std::back_inserter(all));
    return all;
  }
};

}  // namespace

Hypotheses formulas_of(const StageInputs& inputs, const Residual& residual) {
  return std::visit(Formulas{residual}, inputs);
}

}  // namespace attest::harness::explain
