#include "fixtures/packed_documents.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fixtures/error.h"

namespace attest {
namespace {

using Values = std::vector<std::int64_t>;

Tensor integers(const Shape& shape, const Values& values) {
  Tensor tensor(DType::int64, shape);
  std::ranges::copy(values, tensor.as<std::int64_t>().begin());
  return tensor;
}

Values values_of(const Tensor& tensor) { return {tensor.as<std::int64_t>().begin(), tensor.as<std::int64_t>().end()}; }

TEST(packed_documents, make_the_mask_of_torchtunes_documentation) {
  const Tensor mask = block_causal_mask({integers({1, 3}, {3, 2, 1})});
  const std::vector<std::uint8_t> wanted = {1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0,
                                            0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(mask.shape(), (Shape{1, 6, 6}));
  EXPECT_TRUE(std::ranges::equal(mask.as<std::uint8_t>(), wanted));
}

TEST(packed_documents, of_each_sample_have_their_own_lengths_and_may_be_empty) {
  const Tensor mask = block_causal_mask({integers({2, 2}, {2, 0, 1, 1})});
  const std::vector<std::uint8_t> wanted = {1, 0, 1, 1, 1, 0, 0, 1};
  EXPECT_TRUE(std::ranges::equal(mask.as<std::uint8_t>(), wanted));
}

TEST(packed_documents, begin_where_positions_restart_at_zero) {
  const Tensor lengths = documents_from_positions(integers({2, 4}, {0, 1, 0, 0, 0, 1, 2, 3}), 4).seq_lens;
  EXPECT_EQ(lengths.shape(), (Shape{2, 3}));
  EXPECT_EQ(values_of(lengths), (Values{2, 1, 1, 4, 0, 0}));
}

TEST(packed_documents, are_refused_where_positions_skip_or_begin_elsewhere) {
  for (const Values& bad : {Values{1, 2, 3, 4}, Values{0, 2, 0, 1}, Values{0, 1, 1, 2}, Values{0, 1, 2, -1}}) {
    EXPECT_THROW(documents_from_positions(integers({4}, bad), 4), InputError);
  }
  EXPECT_THROW(documents_from_positions(integers({4}, {0, 1, 2, 3}), 3), InputError);
  EXPECT_THROW(documents_from_positions(integers({0}, {}), 0), InputError);
}

}  // namespace
}  // namespace attest
