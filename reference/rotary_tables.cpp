#include "reference/rotary_tables.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "fixtures/error.h"
#include "fixtures/layer_shapes.h"
#include "fixtures/overloaded.h"

namespace attest::reference {
namespace {

/// What torch's float32 power is, beside the rounded double one: the next float below it, itself, or the next above.
enum class Power { below, rounded, above };

float neighbour(float power, Power which) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (which == Power::rounded) return power;
  return std::nextafter(power, which == Power::above ? infinity : -infinity);
}

/// 1 / base^(2i / dim).
std::vector<float> frequencies(std::int64_t dim, double base, Power which) {
  std::vector<float> theta(static_cast<std::size_t>(dim / 2));
  for (std::size_t i = 0; i < theta.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(dim);
    const auto power = static_cast<float>(std::pow(base, static_cast<double>(exponent)));
    theta[i] = 1.0F / neighbour(power, which);
  }
  return theta;
}

/// Llama3ScaledRoPE.apply_scaling: low frequencies are divided by scale_factor, high ones kept, and between the two
/// they are blended. Everything is float32; a number divided by a tensor is that number times its reciprocal.
float scaled(float frequency, const Llama3ScaledRoPE& rope) {
  const auto scale = static_cast<float>(rope.scale_factor), low = static_cast<float>(rope.low_freq_factor);
  const auto old_context = static_cast<double>(rope.old_context_len);
  const float wavelength = (1.0F / frequency) * static_cast<float>(2 * std::numbers::pi);
  if (wavelength < old_context / rope.high_freq_factor) return frequency;
  if (wavelength > old_context / rope.low_freq_factor) return frequency / scale;

  const float turns = static_cast<float>(old_context) * (1.0F / wavelength);
  const float smooth = (turns - low) / static_cast<float>(rope.high_freq_factor - rope.low_freq_factor);
  return ((1.0F - smooth) * frequency) / scale + smooth * frequency;
}

std::vector<float> theta_of(const PosEmbeddings& embedding, Power which) {
  const auto plain = [&](const auto& rope) { return frequencies(rope.dim, rope.base, which); };
  return std::visit(overloaded{[](const NoPosEmbeddings&) -> std::vector<float> {
                                 throw InputError("pos_embeddings", "a rotary embedding", "none");
                               },
                               [&](const RotaryPositionalEmbeddings& rope) { return plain(rope); },
                               [&](const Llama3ScaledRoPE& rope) {
                                 std::vector<float> theta = plain(rope);
                                 for (float& frequency : theta) frequency = scaled(frequency, rope);
                                 return theta;
                               },
                               [&](const Phi3RotaryPositionalEmbeddings& rope) { return plain(rope); },
                               [&](const Qwen2RotaryPositionalEmbeddings& rope) { return plain(rope); }},
                    embedding);
}

void check_rows(const PosEmbeddings& embedding, std::int64_t rows) {
  const std::int64_t longest = rotary_extent(embedding)->max_seq_len;
  if (rows < 1 || rows > longest) {
    throw InputError("rows", "from 1 to max_seq_len = " + std::to_string(longest), std::to_string(rows));
  }
}

}  // namespace

RotaryTables build_rotary_tables(const PosEmbeddings& embedding, std::int64_t rows) {
  const std::vector<float> theta = theta_of(embedding, Power::rounded);
  check_rows(embedding, rows);
  return rotary_tables_of(theta, rows);
}

Tensor theta_budget(const PosEmbeddings& embedding) {
  const auto rounded = theta_of(embedding, Power::rounded);
  Tensor budget(DType::float64, {static_cast<std::int64_t>(rounded.size())});
  for (const Power which : {Power::below, Power::above}) {
    const auto theta = theta_of(embedding, which);
    for (std::size_t i = 0; i < theta.size(); ++i) {
      const double distance = std::fabs(static_cast<double>(theta[i]) - static_cast<double>(rounded[i]));
      budget.as<double>()[i] = std::max(budget.as<double>()[i], distance);
    }
  }
  return budget;
}

RotaryTables rotary_tables_of(std::span<const float> theta, std::int64_t rows) {
  const auto half = static_cast<std::int64_t>(theta.size());
  RotaryTables tables{{DType::float32, {half}}, {DType::float32, {rows, half}}, {DType::float32, {rows, half}}};
  std::ranges::copy(theta, tables.theta.as<float>().begin());

  const auto cos = tables.cos.as<float>(), sin = tables.sin.as<float>();
  for (std::size_t at = 0; at < cos.size(); ++at) {
    const auto position = static_cast<float>(at / theta.size());
    const float angle = position * theta[at % theta.size()];
    cos[at] = static_cast<float>(std::cos(static_cast<double>(angle)));
    sin[at] = static_cast<float>(std::sin(static_cast<double>(angle)));
  }
  return tables;
}

}  // namespace attest::reference
