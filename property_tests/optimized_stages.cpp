#include <gtest/gtest.h>

#include "fixtures/block_mask.h"
#include "optimized/kernel_tables.h"
#include "optimized/multi_head_attention.h"
#include "property_tests/optimized_inputs.h"
#include "property_tests/share_of_budget.h"

/// The single stages of every target against the float64 truth: the share of the error budget stays below 1 for
/// every tail of the vector width, the register tile and the key block.
namespace attest {
namespace {

using optimized::Target;

class optimized_stages : public testing::TestWithParam<Target> {
 protected:
  const optimized::KernelTable& kernels() const { return optimized::kernels_of(GetParam()); }
  std::int64_t width() const { return static_cast<std::int64_t>(kernels().panel_width); }
  std::int64_t rows() const { return static_cast<std::int64_t>(kernels().tile_rows); }
};

std::vector<std::int64_t> around(std::int64_t extent) { return {1, extent - 1, extent, extent + 1, 2 * extent - 1}; }

TEST_P(optimized_stages, a_projection_of_any_size_stays_within_its_budget) {
  Random random(1);
  for (const auto out : around(width())) {
    for (const auto tokens : around(rows())) {
      for (const std::int64_t in : {1, 7, 255, 256, 257}) {
        const Tensor x = normal(random, {1, tokens, in}), w = normal(random, {out, in}), bias = normal(random, {out});
        const LinearInputs inputs{x, w, out % 2 ? &bias : nullptr};
        const double e =
            property_tests::share_of_budget(optimized::linear(inputs, GetParam()), reference::linear_truth(inputs));
        EXPECT_LE(e, 1.0) << "tokens " << tokens << " in " << in << " out " << out;
      }
    }
  }
}

TEST_P(optimized_stages, a_projection_larger_than_every_block_stays_within_its_budget) {
  Random random(2);
  const Tensor x = normal(random, {2, 301, 520}), w = normal(random, {333, 520});
  const LinearInputs inputs{x, w, nullptr};
  EXPECT_LE(property_tests::share_of_budget(optimized::linear(inputs, GetParam()), reference::linear_truth(inputs)),
            1.0);
}

TEST_P(optimized_stages, a_row_of_a_projection_has_the_same_bits_alone_and_among_others) {
  Random random(3);
  const Tensor x = normal(random, {1, 40, 600}), w = normal(random, {70, 600});
  const Tensor all = optimized::linear({x, w, nullptr}, GetParam());
  for (const std::int64_t row : {0, 13, 14, 39}) {
    Tensor one(DType::float32, {1, 1, 600});
    std::ranges::copy(x.as<float>().subspan(row * 600, 600), one.as<float>().begin());
    const Tensor alone = optimized::linear({one, w, nullptr}, GetParam());
    EXPECT_TRUE(std::ranges::equal(alone.as<float>(), all.as<float>().subspan(row * 70, 70)));
  }
}

TEST_P(optimized_stages, every_rotary_embedding_stays_within_its_budget) {
  Random random(4);
  for (const std::int64_t h_d : {2, 4, 6, 14, 16, 18, 30, 32, 34, 80, 96, 128}) {
    const Tensor x = normal(random, {2, 3, 5, h_d});
    RotaryTables tables{normal(random, {h_d / 2}), normal(random, {9, h_d / 2}), normal(random, {9, h_d / 2})};
    Tensor input_pos(DType::int64, {2, 3});
    for (auto& position : input_pos.as<std::int64_t>()) position = static_cast<std::int64_t>(random() % 9);
    const RotaryPositionalEmbeddings base{h_d, 9, 10'000.0};
    const PosEmbeddings embeddings[] = {base, Llama3ScaledRoPE{h_d, 9}, Phi3RotaryPositionalEmbeddings{h_d, 9},
                                        Qwen2RotaryPositionalEmbeddings{h_d, 9}};
    for (const auto& embedding : embeddings) {
      const RotaryInputs inputs{x, embedding, tables, &input_pos};
      EXPECT_LE(property_tests::share_of_budget(optimized::rotary(inputs, GetParam()), reference::rotary_truth(inputs)),
                1.0)
          << "h_d " << h_d << " embedding " << embedding.index();
    }
  }
}

TEST_P(optimized_stages, the_norm_stays_within_its_budget) {
  Random random(5);
  for (const std::int64_t h_d : {1, 3, 4, 5, 8, 15, 16, 17, 31, 40, 111, 128, 300}) {
    const Tensor x = normal(random, {2, 3, 4, h_d}), scale = normal(random, {h_d});
    const Norm rms = RMSNorm{h_d, 1e-5};
    const NormInputs inputs{x, rms, scale};
    EXPECT_LE(property_tests::share_of_budget(optimized::norm(inputs, GetParam()), reference::norm_truth(inputs)), 1.0)
        << "h_d " << h_d;
  }
}

struct Sizes {
  std::int64_t b, n_h, n_kv, s_x, s_k, h_d;
};

/// bool, each row one run of visible keys, perhaps empty.
BoolMask random_runs(Random& random, const Sizes& n) {
  Tensor mask(DType::boolean, {n.b, n.s_x, n.s_k});
  for (auto row = mask.as<std::uint8_t>().begin(); row != mask.as<std::uint8_t>().end(); row += n.s_k) {
    const auto begin = static_cast<std::int64_t>(random() % n.s_k), end = static_cast<std::int64_t>(random() % n.s_k);
    if (begin < end) std::fill(row + begin, row + end, std::uint8_t{1});
  }
  return {mask};
}

PackedBlockCausalMask random_documents(Random& random, std::int64_t b, std::int64_t s) {
  constexpr std::int64_t kDocuments = 4;
  Tensor seq_lens(DType::int64, {b, kDocuments});
  for (std::int64_t sample = 0; sample < b; ++sample) {
    const auto lengths = seq_lens.as<std::int64_t>().subspan(sample * kDocuments, kDocuments);
    std::int64_t rest = s;
    for (auto& length : lengths.first(kDocuments - 1)) {
      length = static_cast<std::int64_t>(random() % (rest + 1));
      rest -= length;
    }
    lengths.back() = rest;
  }
  return {seq_lens};
}

/// A window and some keys before it, by blocks of any size: tiles with holes and without, and blocks of each kind.
BlockMask random_blocks(Random& random, const Sizes& n, bool of_each_head) {
  Tensor dense(DType::boolean, {1 + static_cast<std::int64_t>(random() % n.b), of_each_head ? n.n_h : 1, n.s_x, n.s_k});
  if (dense.dim(0) != n.b) dense = Tensor(DType::boolean, {1, dense.dim(1), n.s_x, n.s_k});
  const std::int64_t sinks = random() % 2 == 0 ? 0 : static_cast<std::int64_t>(random() % n.s_k);
  const auto width = static_cast<std::int64_t>(random() % n.s_k);
  for (std::int64_t i = 0; i < dense.size(); ++i) {
    const std::int64_t key = i % n.s_k, token = i / n.s_k % n.s_x, head = i / n.s_k / n.s_x % dense.dim(1);
    const bool seen = key < sinks || (key >= token + head && key < token + head + width);
    dense.as<std::uint8_t>()[static_cast<std::size_t>(i)] = seen ? 1 : 0;
  }
  const std::int64_t sizes[] = {1, 7, 16, 48, 128, 300};
  return block_mask_of(dense, {sizes[random() % std::size(sizes)], sizes[random() % std::size(sizes)]});
}

/// A token sees itself and the `window` - 1 keys before it.
BlockMask sliding_blocks(const Sizes& n, std::int64_t window, BlockSize size) {
  Tensor dense(DType::boolean, {1, 1, n.s_x, n.s_k});
  for (std::int64_t at = 0; at < dense.size(); ++at) {
    const std::int64_t key = at % n.s_k, token = at / n.s_k;
    dense.as<std::uint8_t>()[at] = key <= token && token - key < window;
  }
  return block_mask_of(dense, size);
}

Mask random_mask(Random& random, int kind, const Sizes& n) {
  const Shape shapes[] = {{n.b, n.s_x, n.s_k}, {1, n.s_x, n.s_k}, {n.b, 1, n.s_k}, {n.b, n.s_x, 1}, {n.b, 1, 1}};
  const Shape& shape = shapes[random() % std::size(shapes)];
  if (kind == 1) return BoolMask{flags(random, shape, 0.6)};
  if (kind == 4) return random_runs(random, n);
  if (kind == 6 || kind == 7) return random_blocks(random, n, kind == 7);
  if (kind == 5) return random_documents(random, n.b, n.s_x);
  if (kind == 2) {
    Tensor bias = normal(random, shape, 3.0);
    for (auto& value : bias.as<float>()) {
      if (random() % 4 == 0) value = -std::numeric_limits<float>::infinity();
    }
    return FloatMask{bias};
  }
  return NoMask{};
}

std::optional<double> random_scale(Random& random) {
  const std::optional<double> scales[] = {std::nullopt, 0.7, -0.4, 0.0};
  return scales[random() % std::size(scales)];
}

double attention_share(Random& random, const Sizes& n, int kind, Target target, double dropout_p = 0) {
  const Tensor q = normal(random, {n.b, n.n_h, n.s_x, n.h_d}), k = normal(random, {n.b, n.n_kv, n.s_k, n.h_d});
  const Tensor v = normal(random, k.shape());
  const Mask mask = random_mask(random, kind, n);
  const Tensor keep = flags(random, {n.b, n.n_h, n.s_x, dropout_p > 0 ? n.s_k : 0}, 1 - dropout_p);
  const AttentionInputs inputs{q,        k, v, mask, kind == 3, random_scale(random), dropout_p > 0 ? &keep : nullptr,
                               dropout_p};
  return property_tests::share_of_budget(optimized::attention(inputs, target), reference::attention_truth(inputs));
}

TEST_P(optimized_stages, attention_of_any_size_and_mask_stays_within_its_budget) {
  Random random(6);
  const std::int64_t head_dims[] = {1, 4, 6, width() - 1, width(), width() + 1, 40, 80, 111};
  const std::int64_t keys[] = {1, 3, width() - 1, width(), width() + 1, 2 * width() - 1, 255, 256, 257, 511};
  const std::int64_t groups[] = {1, 2, 3, 7};
  for (int i = 0; i < 240; ++i) {
    Sizes n{1 + i % 2,
            0,
            1 + i % 3 % 2,
            1 + static_cast<std::int64_t>(random() % 40),
            keys[random() % std::size(keys)],
            head_dims[random() % std::size(head_dims)]};
    n.n_h = n.n_kv * groups[random() % std::size(groups)];
    const int kind = i % 5;
    EXPECT_LE(attention_share(random, n, kind, GetParam()), 1.0)
        << "b " << n.b << " n_h " << n.n_h << " n_kv " << n.n_kv << " s_x " << n.s_x << " s_k " << n.s_k << " h_d "
        << n.h_d << " mask " << kind;
  }
}

TEST_P(optimized_stages, attention_under_blocks_of_any_size_stays_within_its_budget) {
  Random random(12);
  for (int i = 0; i < 120; ++i) {
    const std::int64_t groups[] = {1, 2, 3, 7};
    Sizes n{1 + i % 2,
            0,
            1 + i / 2 % 2,
            1 + static_cast<std::int64_t>(random() % 70),
            1 + static_cast<std::int64_t>(random() % 600),
            20};
    n.n_h = n.n_kv * groups[random() % std::size(groups)];
    EXPECT_LE(attention_share(random, n, 6 + i % 2, GetParam()), 1.0)
        << "b " << n.b << " n_h " << n.n_h << " n_kv " << n.n_kv << " s_x " << n.s_x << " s_k " << n.s_k << " per head "
        << i % 2;
  }
}

TEST_P(optimized_stages, blocks_whose_rows_are_runs_have_the_bits_of_the_dense_mask) {
  Random random(10);
  for (const std::int64_t s : {1, 100, 257, 600}) {
    const Sizes n{2, 4, 2, s, s, 20};
    const Tensor q = normal(random, {n.b, n.n_h, s, n.h_d}), k = normal(random, {n.b, n.n_kv, s, n.h_d});
    const Tensor v = normal(random, k.shape());
    const BlockMask blocks = sliding_blocks(n, 130, {64, 48});
    Tensor dense(DType::boolean, {1, s, s});
    std::ranges::copy(dense_mask(blocks, s, s).as<std::uint8_t>(), dense.as<std::uint8_t>().begin());
    const Mask as_blocks = blocks, as_values = BoolMask{dense};
    EXPECT_TRUE(std::ranges::equal(optimized::attention({q, k, v, as_blocks}, GetParam()).bytes(),
                                   optimized::attention({q, k, v, as_values}, GetParam()).bytes()))
        << "s " << s;
  }
}

TEST_P(optimized_stages, attention_with_a_dropout_stays_within_its_budget_under_every_mask_and_where_keys_are_split) {
  Random random(13);
  for (const double p : {0.1, 0.5, 0.99, 1.0}) {
    for (const int kind : {0, 1, 2, 3, 4, 6, 7}) {
      for (const Sizes& n : {Sizes{2, 6, 2, 37, 300, 24}, Sizes{1, 4, 2, 2, 5000, 24}}) {
        EXPECT_LE(attention_share(random, n, kind, GetParam(), p), 1.0)
            << "p " << p << " mask " << kind << " s_k " << n.s_k;
      }
    }
  }
}

TEST_P(optimized_stages, attention_of_packed_documents_stays_within_its_budget) {
  Random random(9);
  for (const std::int64_t s : {1, 2, 31, 33, 64, 100, 255, 256, 257, 300}) {
    EXPECT_LE(attention_share(random, {2, 4, 2, s, s, 20}, 5, GetParam()), 1.0) << "s " << s;
  }
}

TEST_P(optimized_stages, attention_whose_keys_are_split_stays_within_its_budget) {
  Random random(7);
  for (const int kind : {0, 1, 2, 3, 4, 6, 7}) {
    EXPECT_LE(attention_share(random, {1, 4, 2, 2, 5000, 24}, kind, GetParam()), 1.0) << "mask " << kind;
  }
}

TEST_P(optimized_stages, attention_with_more_query_heads_in_a_group_than_a_tile_holds_stays_within_its_budget) {
  Random random(8);
  EXPECT_LE(attention_share(random, {1, 130, 1, 3, 70, 8}, 0, GetParam()), 1.0);
}

INSTANTIATE_TEST_SUITE_P(all, optimized_stages, testing::ValuesIn(usable_targets()),
                         target_name<testing::TestParamInfo<Target>>);

}  // namespace
}  // namespace attest
