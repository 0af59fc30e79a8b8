#include "harness/draw/drawn_case.h"

#include <algorithm>
#include <limits>

#include "fixtures/error.h"
#include "harness/draw/counter_numbers.h"
#include "harness/draw/drawn_attention.h"
#include "harness/draw/drawn_layer.h"
#include "harness/draw/drawn_mask.h"
#include "harness/draw/input_family.h"
#include "harness/verdict/tensor_parts.h"
#include "reference/multi_head_attention.h"

namespace attest::harness {
namespace {

/// x [b, called_tokens, d] and, for another source of keys, y [b, s_y, d]; of all calls together.
struct Tokens {
  Tensor x, y;
  std::optional<FilledCache> filled;
};

/// Writes heads [b, s, n, h_d], from a token on, into tokens [b, s - from, d] from a column on.
void put(const HeadValues& heads, std::int64_t from, std::int64_t column, std::int64_t d, std::vector<double>& tokens) {
  const std::int64_t width = heads.n * heads.h_d, count = heads.s - from;
  for (std::int64_t i = 0; i < heads.b * count; ++i) {
    const std::int64_t token = i / count * heads.s + from + i % count;
    std::copy_n(heads.values.begin() + token * width, width, tokens.begin() + i * d + column);
  }
}

std::optional<FilledCache> filled_cache(const CaseDraw& draw, const SelectedInputs& inputs, const Mask& mask) {
  if (draw.filled == 0) return std::nullopt;
  const auto part = [&](const HeadValues& heads) { return slice(heads_tensor(draw.dtype, heads), 2, 0, draw.filled); };
  FilledCache cache{part(inputs.k), part(inputs.v)};
  if (draw.poison) poison_hidden_keys(cache.k, cache.v, draw, mask);
  return cache;
}

Tokens selected_tokens(const CaseDraw& draw, const Mask& mask) {
  const std::int64_t d = draw.num_heads() * draw.d_per_head;
  const SelectedInputs inputs = selected_inputs(draw, mask);
  const SelectedColumns columns = selected_columns(draw);
  const bool keys_are_x = draw.keys == KeySource::self || draw.keys == KeySource::cache;
  std::vector<double> x(static_cast<std::size_t>(draw.b * draw.called_tokens() * d));
  std::vector<double> y(static_cast<std::size_t>(draw.b * draw.s_y * d));
  std::vector<double>& source = keys_are_x ? x : y;
  put(inputs.q, 0, 0, d, x);
  put(inputs.k, draw.filled, columns.k, d, source);
  put(inputs.v, draw.filled, columns.v, d, source);
  return {rounded_tensor(draw.dtype, {draw.b, draw.called_tokens(), d}, x),
          rounded_tensor(draw.dtype, {draw.b, draw.s_y, d}, y), filled_cache(draw, inputs, mask)};
}

/// NaN and infinity in turn, in every channel of the odd tokens, which the mask hides from everybody.
void poison_odd_tokens(std::vector<double>& tokens, std::int64_t s, std::int64_t d) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto token = static_cast<std::int64_t>(i) / d % s;
    if (token % 2 == 0) continue;
    tokens[i] = i % 2 == 0 ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  }
}

/// Keys and values of the tokens in the cache, which no projection makes.
std::optional<FilledCache> random_cache(const CaseDraw& draw, const Mask& mask) {
  if (draw.filled == 0) return std::nullopt;
  auto from = numbers(draw.seed, DrawStream::cache);
  SelectedInputs inputs{
      {0, 0, 0, 0}, {draw.b, draw.filled, draw.n_kv, draw.h_d}, {draw.b, draw.filled, draw.n_kv, draw.h_d}};
  for (auto* heads : {&inputs.k, &inputs.v}) {
    for (double& value : heads->values) value = from.normal();
  }
  return filled_cache(draw, inputs, mask);
}

Tokens random_tokens(const CaseDraw& draw, const Mask& mask) {
  const std::int64_t d = draw.num_heads() * draw.d_per_head;
  const auto normal = [&](DrawStream stream, std::int64_t s) {
    auto from = numbers(draw.seed, stream);
    std::vector<double> values(static_cast<std::size_t>(draw.b * s * d));
    for (double& value : values) value = from.normal();
    return values;
  };
  const std::vector<double> x = normal(DrawStream::x, draw.called_tokens());
  std::vector<double> y = normal(DrawStream::y, draw.s_y);
  if (input_family(draw.family).poisons_hidden_keys) poison_odd_tokens(y, draw.s_y, d);
  return {rounded_tensor(draw.dtype, {draw.b, draw.called_tokens(), d}, x),
          rounded_tensor(draw.dtype, {draw.b, draw.s_y, d}, y), random_cache(draw, mask)};
}

Inputs call(const CaseDraw& draw, const Tokens& tokens, const Mask& mask, std::int64_t first) {
  const std::int64_t count = draw.has_cache() ? std::min(draw.chunk, draw.called_tokens() - first) : draw.s_x;
  Inputs inputs;
  inputs.x = slice(tokens.x, 1, first, count);
  if (draw.keys == KeySource::cross || (draw.keys == KeySource::cross_cache && first == 0)) {
    inputs.y = tokens.y;
  } else if (draw.keys == KeySource::cross_cache) {
    inputs.y = AbsentY{};
  }
  inputs.mask = mask_rows(mask, first, count);
  inputs.input_pos = drawn_positions(draw, draw.filled + first, count);
  inputs.keep = drawn_keep(draw);
  return inputs;
}

}  // namespace

DrawnCalls drawn_calls(const CaseDraw& draw) {
  const Mask mask = drawn_mask(draw);
  const bool selects = input_family(draw.family).selects();
  Tokens tokens = selects ? selected_tokens(draw, mask) : random_tokens(draw, mask);
  DrawnCalls calls;
  Case& item = calls.item;
  item.name = "drawn/" + draw.family;
  item.description = "Drawn from integers; its expected stages are the float reference's.";
  item.family = draw.family;
  item.layer = drawn_layer(draw);
  for (std::int64_t first = 0; first < draw.called_tokens();) {
    Step& step = item.steps.emplace_back();
    step.inputs = call(draw, tokens, mask, first);
    first += step.inputs.x.dim(1);
  }
  calls.filled = std::move(tokens.filled);
  return calls;
}

Case drawn_case(const CaseDraw& any_draw) {
  const CaseDraw draw = nearest_valid(any_draw);
  if (needs_no_calls(draw)) throw InputError("draw", "a sequence of calls of a layer", "one with alone or filled");
  Case item = drawn_calls(draw).item;
  reference::MultiHeadAttention<float> layer(item.layer);
  for (Step& step : item.steps) step.expected = layer.forward(step.inputs);
  return item;
}

}  // namespace attest::harness
