#include <fmt/format.h>

#include <algorithm>

#include "harness/draw/counter_numbers.h"
#include "harness/laws/law_tools.h"
#include "harness/machine/process_resources.h"

/// Laws of a whole layer: calling it in two ways gives the same bits.
namespace attest::harness {
namespace {

// --- a sample alone ------------------------------------------------------------------------------------------------

CaseDraw with_batch(CaseDraw draw) {
  draw = of_calls(draw);
  draw.b = std::max<std::int64_t>(draw.b, 2);
  return nearest_valid(draw);
}

/// Its entry of axis 0, or the one that the batch shares.
Tensor of_sample(const Tensor& tensor, std::int64_t sample) {
  return tensor.dim(0) == 1 ? tensor : slice(tensor, 0, sample, 1);
}

Case case_of_sample(const Case& item, std::int64_t sample) {
  Case alone = item;
  if (auto* cache = std::get_if<KVCache>(&alone.layer.config.kv_cache)) cache->batch_size = 1;
  for (Step& step : alone.steps) {
    Inputs& inputs = step.inputs;
    inputs.x = of_sample(inputs.x, sample);
    if (auto* y = std::get_if<Tensor>(&inputs.y)) *y = of_sample(*y, sample);
    if (auto* mask = std::get_if<BoolMask>(&inputs.mask)) mask->values = of_sample(mask->values, sample);
    if (auto* mask = std::get_if<FloatMask>(&inputs.mask)) mask->values = of_sample(mask->values, sample);
    if (inputs.input_pos) inputs.input_pos = of_sample(*inputs.input_pos, sample);
  }
  return alone;
}

LawVerdict run_samples_alone(const Implementation& implementation, const CaseDraw& draw) {
  const Case item = drawn_case(draw);
  const bool bits = implementation.same_bits_alone_and_together();
  const std::vector<Stages> together = run_steps(implementation, item);
  const StepTruths truths = bits ? StepTruths{} : end_to_end_truths(item, implementation);
  Findings findings(item);
  for (std::int64_t sample = 0; sample < draw.b; ++sample) {
    const Case one = case_of_sample(item, sample);
    const std::vector<Stages> alone = run_steps(implementation, one);
    const StepTruths budgets = bits ? StepTruths{} : end_to_end_truths(one, implementation);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      const std::string what = fmt::format("output of call {}, sample {}", i, sample);
      const Tensor& got = alone[i].at(Stage::output);
      if (bits) {
        findings.same_bits(what, got, slice(together[i].at(Stage::output), 0, sample, 1));
      } else {
        const Tensor value = slice(truths[i].at(Stage::output).value, 0, sample, 1);
        findings.within_budget(what, got, with_value(budgets[i].at(Stage::output), value));
      }
    }
  }
  return findings.verdict();
}

// --- masks that say what is the case anyway ------------------------------------------------------------------------

/// Empty slots of a cache need not take the way of keys where no mask speaks of them: they are left out.
CaseDraw without_mask(CaseDraw draw) {
  draw = of_calls(draw);
  draw.mask = MaskKind::none;
  draw.chunk = draw.s_x;
  draw.spare = 0;
  draw = nearest_valid(draw);
  if (draw.mask != MaskKind::none) draw.family = "randn";  // the family needs its mask
  draw.mask = MaskKind::none;
  return nearest_valid(draw);
}

LawVerdict mask_with_all_true(const Implementation& implementation, const CaseDraw& draw) {
  const Case item = drawn_case(draw);
  Case masked = item;
  for (Step& step : masked.steps) {
    Tensor all(DType::boolean, {1, step.inputs.x.dim(1), draw.mask_columns()});
    std::ranges::fill(all.as<std::uint8_t>(), std::uint8_t{1});
    step.inputs.mask = BoolMask{all};
  }
  Findings findings(item);
  same_bits_of_steps(findings, run_steps(implementation, masked), run_steps(implementation, item));
  return findings.verdict();
}

CaseDraw causal_without_cache(CaseDraw draw) {
  draw = of_calls(draw);
  if (draw.has_cache()) draw.keys = KeySource::self;
  draw.mask = MaskKind::causal;
  draw = nearest_valid(draw);
  if (draw.mask != MaskKind::causal) draw.family = "randn";
  draw.mask = MaskKind::causal;
  return nearest_valid(draw);
}

LawVerdict mask_with_lower_triangle(const Implementation& implementation, const CaseDraw& draw) {
  const Case item = drawn_case(draw);
  Case masked = item;
  masked.layer.config.is_causal = false;
  Tensor triangle(DType::boolean, {1, draw.s_x, draw.mask_columns()});
  for (std::int64_t at = 0; at < triangle.size(); ++at) {
    const bool seen = at % draw.mask_columns() <= at / draw.mask_columns();
    triangle.as<std::uint8_t>()[static_cast<std::size_t>(at)] = seen ? 1 : 0;
  }
  masked.steps.front().inputs.mask = BoolMask{triangle};
  Findings findings(item);
  same_bits_of_steps(findings, run_steps(implementation, masked), run_steps(implementation, item));
  return findings.verdict();
}

// --- the future ----------------------------------------------------------------------------------------------------

CaseDraw causal_sequence(CaseDraw draw) {
  draw = of_calls(draw);
  draw.keys = KeySource::self;
  draw.s_x = std::max<std::int64_t>(draw.s_x, 2);
  draw = causal_without_cache(draw);
  if (draw.s_x < 2) draw.family = "randn";
  draw.s_x = std::max<std::int64_t>(draw.s_x, 2);
  return nearest_valid(draw);
}

LawVerdict change_the_future(const Implementation& implementation, const CaseDraw& draw) {
  const Case item = drawn_case(draw);
  const std::int64_t present = numbers(draw.seed, DrawStream::law).between(1, draw.s_x - 1);
  CaseDraw other_draw = draw;
  ++other_draw.seed;
  const Tensor other = drawn_case(other_draw).steps.front().inputs.x;
  Case changed = item;
  Inputs& inputs = changed.steps.front().inputs;
  inputs.x = joined({slice(inputs.x, 1, 0, present), slice(other, 1, present, draw.s_x - present)}, 1);
  const Tensor before = run_steps(implementation, item).front().at(Stage::output);
  const Tensor after = run_steps(implementation, changed).front().at(Stage::output);
  Findings findings(item);
  findings.same_bits(fmt::format("output before token {}", present), slice(after, 1, 0, present),
                     slice(before, 1, 0, present));
  return findings.verdict();
}

// --- how it is run -------------------------------------------------------------------------------------------------

/// Restores the thread count, whatever happens.
class Threads {
 public:
  Threads() = default;
  Threads(const Threads&) = delete;
  ~Threads() { set_threads(before_); }

 private:
  int before_ = threads();
};

LawVerdict vary_threads(const Implementation& implementation, const CaseDraw& draw) {
  const Case item = drawn_case(draw);
  Findings findings(item);
  const Threads restored;
  set_threads(1);
  const std::vector<Stages> alone = run_steps(implementation, item);
  for (const int count : {2, 3, 5}) {
    set_threads(count);
    same_bits_of_steps(findings, run_steps(implementation, item), alone);
  }
  return findings.verdict();
}

/// Allocates something odd before each copy, so that the copy's tensors lie elsewhere.
LawVerdict repeat_elsewhere(const Implementation& implementation, const CaseDraw& draw) {
  const Case item = drawn_case(draw);
  const std::vector<Stages> first = run_steps(implementation, item);
  Findings findings(item);
  std::vector<std::vector<std::byte>> between;
  for (const std::size_t bytes : {16, 48, 80}) {
    between.emplace_back(bytes);
    const Case copy = item;
    same_bits_of_steps(findings, run_steps(implementation, copy), first);
  }
  return findings.verdict();
}

using enum Agreement;
constexpr Law kLayerLaws[] = {
    {"batch_independence", "a sample has the same output alone and in a batch", bitwise, with_batch, run_samples_alone},
    {"all_true_mask", "a mask that hides nothing equals no mask", bitwise, without_mask, mask_with_all_true},
    {"lower_triangle", "a lower-triangular mask equals causality", bitwise, causal_without_cache,
     mask_with_lower_triangle},
    {"causal_prefix", "changing a future token never changes an earlier output", bitwise, causal_sequence,
     change_the_future},
    {"thread_count", "the number of threads changes nothing", bitwise, of_calls, vary_threads},
    {"repetition", "a repetition on the same numbers at other addresses changes nothing", bitwise, of_calls,
     repeat_elsewhere},
};

}  // namespace

std::span<const Law> layer_laws() { return kLayerLaws; }

}  // namespace attest::harness
