#include "harness/draw/drawn_case.h"

#include <algorithm>
#include <limits>

#include "harness/draw/counter_numbers.h"
#include "harness/draw/drawn_layer.h"
#include "harness/draw/drawn_mask.h"
#include "harness/draw/input_family.h"
#include "harness/tensor_parts.h"
#include "reference/multi_head_attention.h"

namespace attest::harness {
namespace {

/// x [b, s_x, d] and, for another source of keys, y [b, s_y, d]; of all calls together.
struct Tokens {
  Tensor x, y;
};

/// Writes heads [b, s, n, h_d] into tokens [b, s, d] from a column on.
void put(const HeadValues& heads, std::int64_t column, std::int64_t d, std::vector<double>& tokens) {
  const std::int64_t width = heads.n * heads.h_d;
  for (std::int64_t token = 0; token < heads.b * heads.s; ++token) {
    std::copy_n(heads.values.begin() + token * width, width, tokens.begin() + token * d + column);
  }
}

Tokens selected_tokens(const CaseDraw& draw, const Mask& mask) {
  const std::int64_t n_h = draw.num_heads(), d = n_h * draw.d_per_head, keys = draw.key_tokens();
  SelectedInputs inputs{
      {draw.b, draw.s_x, n_h, draw.h_d}, {draw.b, keys, draw.n_kv, draw.h_d}, {draw.b, keys, draw.n_kv, draw.h_d}};
  input_family(draw.family).select(inputs, draw, visible_keys(draw, mask));

  const SelectedColumns columns = selected_columns(draw);
  const bool keys_are_x = draw.keys == KeySource::self || draw.keys == KeySource::cache;
  std::vector<double> x(static_cast<std::size_t>(draw.b * draw.s_x * d));
  std::vector<double> y(static_cast<std::size_t>(draw.b * draw.s_y * d));
  std::vector<double>& source = keys_are_x ? x : y;
  put(inputs.q, 0, d, x);
  put(inputs.k, columns.k, d, source);
  put(inputs.v, columns.v, d, source);
  return {rounded_tensor(draw.dtype, {draw.b, draw.s_x, d}, x), rounded_tensor(draw.dtype, {draw.b, draw.s_y, d}, y)};
}

/// NaN and infinity in turn, in every channel of the odd tokens, which the mask hides from everybody.
void poison_odd_tokens(std::vector<double>& tokens, std::int64_t s, std::int64_t d) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto token = static_cast<std::int64_t>(i) / d % s;
    if (token % 2 == 0) continue;
    tokens[i] = i % 2 == 0 ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  }
}

Tokens random_tokens(const CaseDraw& draw) {
  const std::int64_t d = draw.num_heads() * draw.d_per_head;
  const auto normal = [&](DrawStream stream, std::int64_t s) {
    auto from = numbers(draw.seed, stream);
    std::vector<double> values(static_cast<std::size_t>(draw.b * s * d));
    for (double& value : values) value = from.normal();
    return values;
  };
  const std::vector<double> x = normal(DrawStream::x, draw.s_x);
  std::vector<double> y = normal(DrawStream::y, draw.s_y);
  if (input_family(draw.family).poisons_hidden_keys) poison_odd_tokens(y, draw.s_y, d);
  return {rounded_tensor(draw.dtype, {draw.b, draw.s_x, d}, x), rounded_tensor(draw.dtype, {draw.b, draw.s_y, d}, y)};
}

Inputs call(const CaseDraw& draw, const Tokens& tokens, const Mask& mask, std::int64_t first) {
  const std::int64_t count = draw.has_cache() ? std::min(draw.chunk, draw.s_x - first) : draw.s_x;
  Inputs inputs;
  inputs.x = slice(tokens.x, 1, first, count);
  if (draw.keys == KeySource::cross || (draw.keys == KeySource::cross_cache && first == 0)) {
    inputs.y = tokens.y;
  } else if (draw.keys == KeySource::cross_cache) {
    inputs.y = AbsentY{};
  }
  inputs.mask = mask_rows(mask, first, count);
  inputs.input_pos = drawn_positions(draw, first, count);
  return inputs;
}

std::vector<Step> drawn_steps(const CaseDraw& draw) {
  const Mask mask = drawn_mask(draw);
  const bool selects = input_family(draw.family).selects();
  const Tokens tokens = selects ? selected_tokens(draw, mask) : random_tokens(draw);
  std::vector<Step> steps;
  for (std::int64_t first = 0; first < draw.s_x;) {
    Step& step = steps.emplace_back();
    step.inputs = call(draw, tokens, mask, first);
    first += step.inputs.x.dim(1);
  }
  return steps;
}

}  // namespace

Case drawn_case(const CaseDraw& any_draw) {
  const CaseDraw draw = nearest_valid(any_draw);
  Case item;
  item.name = "drawn/" + draw.family;
  item.description = "Drawn from integers; its expected stages are the float reference's.";
  item.family = draw.family;
  item.layer = drawn_layer(draw);
  item.steps = drawn_steps(draw);
  reference::MultiHeadAttention<float> layer(item.layer);
  for (Step& step : item.steps) step.expected = layer.forward(step.inputs);
  return item;
}

}  // namespace attest::harness
