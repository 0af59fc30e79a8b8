#include "fixtures/generator.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "fixtures/error.h"
#include "fixtures/sha256.h"

namespace attest {
namespace {

Tensor thousand(std::uint64_t seed, std::uint64_t stream, DType dtype) {
  return generate({.seed = seed, .stream = stream, .exponent = -16, .dtype = dtype, .shape = {1000}});
}

TEST(generator, the_bits_are_those_of_the_specification_in_python) {
  EXPECT_EQ(counter_bits(0, 0, 0), 0xa706dd2f4d197e6fu);
  EXPECT_EQ(counter_bits(1, 2, 3), 0x0ee3bb459e9e297bu);
  EXPECT_EQ(counter_bits(42, 0, 1'000'000), 0x8505da9e8a915c81u);
}

TEST(generator, the_integers_are_those_of_the_specification_in_python) {
  const auto tensor = generate({.exponent = 0, .shape = {4}});
  const float expected[] = {40830, 78928, 118372, -7164};
  EXPECT_TRUE(std::ranges::equal(tensor.as<float>(), expected));
}

TEST(generator, float32_tensors_have_the_hashes_of_the_exporter) {
  EXPECT_EQ(sha256_hex(thousand(0, 0, DType::float32).bytes()),
            "784e1cf392e1e6ebfc89c6c04ffdb8bb801d2270abba9845e2d687e39bd158c6");
  EXPECT_EQ(sha256_hex(thousand(1, 2, DType::float32).bytes()),
            "18d565de1179c043675f361535f2b37d9b996fcf2a44978f4d94756dac6ff671");
  EXPECT_EQ(sha256_hex(thousand(0x7fffffffffffffffu, 5, DType::float32).bytes()),
            "6c9b3ac538b9db669c2d365cafd9abc53c2a5ebb6a1bba73202126a4876b95ed");
}

TEST(generator, bfloat16_tensors_have_the_hashes_of_the_exporter) {
  EXPECT_EQ(sha256_hex(thousand(0, 0, DType::bfloat16).bytes()),
            "6d37e4b44dae86c79bb9f2bb01c67077788e972e68e6374697af1a52a65166c9");
  EXPECT_EQ(sha256_hex(thousand(1, 2, DType::bfloat16).bytes()),
            "aa1f781f37b8046dbd49162e2140e6fe93c18544b8ae27381ee9001fb5bdb9cc");
  EXPECT_EQ(sha256_hex(thousand(0x7fffffffffffffffu, 5, DType::bfloat16).bytes()),
            "daf1d405fb049acf64642f4923eca54163a5b7c487d347ceabc42583bca59708");
}

TEST(generator, bfloat16_is_the_float32_value_rounded_to_nearest_even) {
  for (const std::int64_t exponent : {-100, -30, 0, 100}) {
    const auto wide = generate({.exponent = exponent, .dtype = DType::float32, .shape = {5000}});
    const auto narrow = generate({.exponent = exponent, .dtype = DType::bfloat16, .shape = {5000}});
    for (std::size_t i = 0; i < 5000; ++i) {
      ASSERT_EQ(narrow.as<bfloat16>()[i].bits, round_to_bfloat16(wide.as<float>()[i]).bits) << exponent << " " << i;
    }
  }
}

TEST(generator, scaling_is_exact_at_every_allowed_exponent) {
  const auto integers = generate({.exponent = 0, .shape = {100}});
  for (std::int64_t exponent = -kLargestExponent; exponent <= kLargestExponent; ++exponent) {
    const auto scaled = generate({.exponent = exponent, .shape = {100}});
    for (std::size_t i = 0; i < 100; ++i) {
      ASSERT_EQ(scaled.as<float>()[i], std::ldexp(integers.as<float>()[i], static_cast<int>(exponent)));
    }
  }
}

TEST(generator, mean_and_deviation_are_as_documented) {
  const auto tensor = generate({.seed = 3, .stream = 9, .exponent = -16, .shape = {1'000'000}});
  double sum = 0, squares = 0;
  for (const double value : tensor.as<float>()) {
    sum += value;
    squares += value * value;
  }
  EXPECT_LE(std::fabs(sum / 1e6), 0.005);
  EXPECT_LE(std::fabs(std::sqrt(squares / 1e6) - 75674.0 / 65536.0), 0.005);
}

TEST(generator, other_dtypes_exponents_and_shapes_are_refused) {
  EXPECT_THROW(generate({.dtype = DType::float64, .shape = {2}}), InputError);
  EXPECT_THROW(generate({.dtype = DType::boolean, .shape = {2}}), InputError);
  EXPECT_THROW(generate({.exponent = 101, .shape = {2}}), InputError);
  EXPECT_THROW(generate({.exponent = -101, .shape = {2}}), InputError);
  EXPECT_THROW(generate({.shape = {-2}}), InputError);
  EXPECT_THROW(generate({.shape = {std::int64_t{1} << 40, std::int64_t{1} << 40}}), InputError);
}

}  // namespace
}  // namespace attest
