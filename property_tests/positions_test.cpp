#include <gtest/gtest.h>

#include "fixtures/error.h"
#include "fixtures/validate.h"

namespace attest {
namespace {

using Positions = std::vector<std::int64_t>;

Tensor positions(const Shape& shape, std::int64_t first) {
  Tensor tensor(DType::int64, shape);
  for (auto& position : tensor.as<std::int64_t>()) position = first++;
  return tensor;
}

TEST(resolve_positions, counts_from_zero_without_input_pos) {
  EXPECT_EQ(resolve_positions(nullptr, 2, 3, 16), (Positions{0, 1, 2, 0, 1, 2}));
}

TEST(resolve_positions, shares_s_positions_and_rereads_b_times_s_row_by_row) {
  const auto shared = positions({1, 3}, 4), each = positions({3, 2}, 4), scalar = positions({}, 9);
  EXPECT_EQ(resolve_positions(&shared, 2, 3, 16), (Positions{4, 5, 6, 4, 5, 6}));
  EXPECT_EQ(resolve_positions(&each, 2, 3, 16), (Positions{4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(resolve_positions(&scalar, 2, 1, 16), (Positions{9, 9}));
}

TEST(resolve_positions, wraps_negative_positions_at_the_end_of_the_table) {
  Tensor negative(DType::int32, {4});
  negative.as<std::int32_t>()[0] = -1;
  negative.as<std::int32_t>()[1] = -16;
  EXPECT_EQ(resolve_positions(&negative, 1, 4, 16), (Positions{15, 0, 0, 0}));
  EXPECT_THROW(resolve_positions(&negative, 1, 4, 15), InputError);
  EXPECT_THROW(resolve_positions(&negative, 1, 3, 16), InputError);
}

}  // namespace
}  // namespace attest
