#include <gtest/gtest.h>

#include "fixtures/block_mask.h"
#include "fixtures/error.h"
#include "fixtures/validate.h"
#include "property_tests/sample_layer.h"
#include "property_tests/share_of_budget.h"
#include "reference/multi_head_attention.h"
#include "reference/truth.h"

/// torch's BlockMask: its blocks are those of the mask that it stands for, what contradicts itself is refused, and
/// attention is the same under either.
namespace attest::property_tests {
namespace {

constexpr ScoresExtent kScores{2, 3, 70, 50};

/// bool [b, n_h, 70, 50]: windows, so that blocks are full, empty and neither.
Tensor windows(std::int64_t b, std::int64_t n_h) {
  Tensor dense(DType::boolean, {b, n_h, kScores.s_x, kScores.s_k});
  const auto seen = dense.as<std::uint8_t>();
  for (std::int64_t i = 0; i < dense.size(); ++i) {
    const std::int64_t key = i % kScores.s_k, token = i / kScores.s_k % kScores.s_x;
    const std::int64_t width = 20 + 7 * (i / kScores.s_k / kScores.s_x);
    seen[static_cast<std::size_t>(i)] = key <= token && token - key < width ? 1 : 0;
  }
  return dense;
}

std::string refused_field(const BlockMask& mask) {
  try {
    validate_mask(mask, DType::float32, kScores, MaskBytes::validated);
    return "";
  } catch (const InputError& error) {
    return error.field;
  }
}

TEST(block_mask, is_the_mask_that_it_was_made_of) {
  for (const std::int64_t b : {1, 2}) {
    for (const std::int64_t n_h : {1, 3}) {
      for (const BlockSize size : {BlockSize{16, 16}, BlockSize{64, 32}, BlockSize{128, 128}, BlockSize{7, 1}}) {
        const Tensor dense = windows(b, n_h);
        const BlockMask mask = block_mask_of(dense, size);
        EXPECT_EQ(refused_field(mask), "");
        const Tensor again = dense_mask(mask, kScores.s_x, kScores.s_k);
        EXPECT_EQ(again.shape(), dense.shape());
        EXPECT_TRUE(std::ranges::equal(again.bytes(), dense.bytes()));
      }
    }
  }
}

TEST(block_mask, has_blocks_of_each_kind_here) {
  const BlockMask mask = block_mask_of(windows(1, 1), {8, 8});
  EXPECT_GT(mask.partial_blocks.dim(0), 0);
  std::int32_t full = 0;
  for (const std::int32_t count : mask.full_kv_num_blocks.as<std::int32_t>()) full += count;
  EXPECT_GT(full, 0);
  EXPECT_LT(full + mask.partial_blocks.dim(0), 9 * 7);
}

TEST(block_mask, that_contradicts_itself_is_refused) {
  const BlockMask right = block_mask_of(windows(1, 1), {16, 16});
  const auto field_after = [&](const auto& change) {
    BlockMask wrong = right;
    change(wrong);
    return refused_field(wrong);
  };
  const auto int32s = [](Tensor& tensor) { return tensor.as<std::int32_t>(); };
  EXPECT_EQ(field_after([](BlockMask&) {}), "");
  EXPECT_EQ(field_after([&](BlockMask& m) { int32s(m.kv_num_blocks)[0] = -1; }), "kv_num_blocks");
  EXPECT_EQ(field_after([&](BlockMask& m) { int32s(m.full_kv_num_blocks)[0] = 5; }), "full_kv_num_blocks");
  EXPECT_EQ(field_after([&](BlockMask& m) { int32s(m.kv_indices)[0] = 4; }), "kv_indices");
  EXPECT_EQ(field_after([&](BlockMask& m) { int32s(m.kv_indices)[0] = -1; }), "kv_indices");
  EXPECT_EQ(field_after([&](BlockMask& m) { int32s(m.kv_indices)[5] = int32s(m.kv_indices)[4]; }), "kv_indices")
      << "a column twice";
  EXPECT_EQ(field_after([&](BlockMask& m) { int32s(m.full_kv_num_blocks)[0] = 1; }), "full_kv_indices")
      << "a column in both lists";
  EXPECT_EQ(field_after([&](BlockMask& m) { --int32s(m.kv_num_blocks)[0]; }), "partial_blocks") << "one block too many";
  EXPECT_EQ(field_after([](BlockMask& m) { m.partial_blocks.as<std::uint8_t>()[3] = 2; }), "mask");
  EXPECT_EQ(field_after([](BlockMask& m) { m.partial_blocks = Tensor(DType::boolean, {1, 0, 16}); }), "partial_blocks");
  EXPECT_EQ(field_after([](BlockMask& m) { m.kv_num_blocks = Tensor(DType::int32, {1, 2, 5}); }), "kv_num_blocks");
  EXPECT_EQ(field_after([](BlockMask& m) { m.kv_indices = Tensor(DType::int64, {1, 1, 5, 4}); }), "kv_indices");
}

TEST(block_mask, is_attended_under_like_the_mask_that_it_stands_for) {
  const Tensor q = sample_tensor({2, 3, 70, 4}, 1), k = sample_tensor({2, 3, 50, 4}, 2),
               v = sample_tensor({2, 3, 50, 4}, 3);
  const Tensor dense = windows(1, 1);
  Tensor rows(DType::boolean, {1, 70, 50});
  std::ranges::copy(dense.bytes(), rows.bytes().begin());
  const Mask whole = BoolMask{rows}, blocks = block_mask_of(dense, {16, 32});
  const AttentionInputs with_blocks{q, k, v, blocks}, with_whole{q, k, v, whole};
  EXPECT_TRUE(std::ranges::equal(reference::attention(with_blocks).bytes(), reference::attention(with_whole).bytes()));
}

/// Each head by its own mask, as if it were alone with it.
TEST(block_mask, may_be_another_for_each_head) {
  const Tensor q = sample_tensor({1, 3, 70, 4}, 1), k = sample_tensor({1, 3, 50, 4}, 2),
               v = sample_tensor({1, 3, 50, 4}, 3);
  const Mask blocks = block_mask_of(windows(1, 3), {16, 16});
  const auto together = reference::attention_truth(AttentionInputs{q, k, v, blocks}).value;
  const auto head = [](const Tensor& all, std::int64_t h) {
    Tensor one(all.dtype(), {1, 1, all.dim(2), all.dim(3)});
    const auto bytes = one.bytes().size();
    std::ranges::copy(all.bytes().subspan(static_cast<std::size_t>(h) * bytes, bytes), one.bytes().begin());
    return one;
  };
  for (std::int64_t h = 0; h < 3; ++h) {
    const Tensor q_h = head(q, h), k_h = head(k, h), v_h = head(v, h);
    Tensor rows(DType::boolean, {1, 70, 50});
    const Tensor all = windows(1, 3);
    std::ranges::copy(all.bytes().subspan(static_cast<std::size_t>(h * 70 * 50), 70 * 50), rows.bytes().begin());
    const Mask own = BoolMask{rows};
    const auto alone = reference::attention_truth(AttentionInputs{q_h, k_h, v_h, own}).value;
    EXPECT_TRUE(std::ranges::equal(head(together, h).bytes(), alone.bytes())) << h;
  }
}

}  // namespace
}  // namespace attest::property_tests
