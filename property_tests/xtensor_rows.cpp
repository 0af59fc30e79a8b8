#include <gtest/gtest.h>

#include <numeric>

#include "reference/xtensor.h"

/// What the reference needs of xtensor's reducers, for every rank and extent that has misled them; also under a
/// sanitizer.
namespace attest::reference {
namespace {

std::vector<std::vector<std::size_t>> shapes_up_to(std::size_t rank, std::size_t extent) {
  std::vector<std::vector<std::size_t>> all, longest = {{}};
  for (std::size_t axis = 0; axis < rank; ++axis) {
    std::vector<std::vector<std::size_t>> longer;
    for (const auto& shape : longest) {
      for (std::size_t n = 1; n <= extent; ++n) {
        longer.push_back(shape);
        longer.back().push_back(n);
      }
    }
    longest = std::move(longer);
    all.insert(all.end(), longest.begin(), longest.end());
  }
  return all;
}

TEST(xtensor_rows, are_summed_and_the_sums_broadcast_over_their_rows) {
  const auto shapes = shapes_up_to(4, 3);
  EXPECT_EQ(shapes.size(), 3U + 9U + 27U + 81U);
  for (const auto& shape : shapes) {
    Array<double> x(shape);
    std::iota(x.data(), x.data() + x.size(), 1.0);
    const Array<double> centred = x - sum_of_rows(x * x);
    ASSERT_EQ(centred.shape(), x.shape());
    for (std::size_t row = 0; row < x.size(); row += shape.back()) {
      double sum = 0;
      for (std::size_t i = row; i < row + shape.back(); ++i) sum += x.data()[i] * x.data()[i];
      for (std::size_t i = row; i < row + shape.back(); ++i) ASSERT_EQ(centred.data()[i], x.data()[i] - sum);
    }
  }
}

}  // namespace
}  // namespace attest::reference
