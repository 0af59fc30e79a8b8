#include "reference/rotary_tables.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>

#include "fixtures/error.h"
#include "fixtures/layer_shapes.h"
#include "property_tests/golden_cases.h"

namespace attest {
namespace {

/// Elements of theta in which torch's vectorised power differs from the rounded double one by an ulp.
bool is_known_exception(double base, std::int64_t dim, std::size_t i) {
  return (base == 1e4 && dim == 96 && i == 20) || (base == 1e4 && dim == 256 && i == 111) ||
         (base == 1e6 && dim == 128 && i == 37);
}

double base_of(const PosEmbeddings& embedding) {
  return std::visit(
      [](const auto& rope) {
        if constexpr (requires { rope.base; }) return rope.base;
        return 0.0;
      },
      embedding);
}

std::int64_t ulps_apart(float a, float b) {
  const auto ordered = [](float value) {
    const auto bits = std::bit_cast<std::int32_t>(value);
    return static_cast<std::int64_t>(bits < 0 ? std::int32_t{-0x7fffffff - 1} - bits : bits);
  };
  return std::abs(ordered(a) - ordered(b));
}

/// How far torch's cosine or sine may be from ours: 2 ulp, of 2^-24 at least, since near a zero of the function torch's
/// argument reduction is accurate absolutely.
bool within_two_ulp(float torch, float ours) {
  return ulps_apart(torch, ours) <= 2 || std::fabs(torch - ours) <= 0x1p-23F;
}

void expect_torchtunes_theta(const PosEmbeddings& embedding, std::span<const float> torch,
                             std::span<const float> ours) {
  ASSERT_EQ(torch.size(), ours.size());
  const auto dim = static_cast<std::int64_t>(2 * torch.size());
  for (std::size_t i = 0; i < torch.size(); ++i) {
    const std::int64_t allowed = is_known_exception(base_of(embedding), dim, i) ? 1 : 0;
    EXPECT_LE(ulps_apart(torch[i], ours[i]), allowed) << "theta " << i << " of " << dim / 2;
  }
}

TEST(rotary_tables, have_torchtunes_theta_bit_for_bit_and_its_cos_and_sin_within_two_ulp) {
  int checked = 0;
  for (const auto& file : golden_files()) {
    const Case item = read_case(file);
    if (!item.layer.tables) continue;
    SCOPED_TRACE(item.name);
    const RotaryTables& torch = *item.layer.tables;
    const auto ours = reference::build_rotary_tables(item.layer.config.pos_embeddings, torch.cos.dim(0));
    expect_torchtunes_theta(item.layer.config.pos_embeddings, torch.theta.as<float>(), ours.theta.as<float>());
    for (std::int64_t at = 0; at < torch.cos.size(); ++at) {
      const auto n = static_cast<std::size_t>(at);
      EXPECT_TRUE(within_two_ulp(torch.cos.as<float>()[n], ours.cos.as<float>()[n])) << "cos " << at;
      EXPECT_TRUE(within_two_ulp(torch.sin.as<float>()[n], ours.sin.as<float>()[n])) << "sin " << at;
    }
    ++checked;
  }
  EXPECT_GT(checked, 0);
}

TEST(rotary_tables, refuse_more_rows_than_the_embedding_has_positions) {
  EXPECT_THROW(reference::build_rotary_tables(RotaryPositionalEmbeddings{8, 16}, 17), InputError);
  EXPECT_THROW(reference::build_rotary_tables(RotaryPositionalEmbeddings{8, 16}, 0), InputError);
  EXPECT_THROW(reference::build_rotary_tables(NoPosEmbeddings{}, 1), InputError);
}

}  // namespace
}  // namespace attest
