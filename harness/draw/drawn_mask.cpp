#include "harness/draw/drawn_mask.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "fixtures/block_mask.h"
#include "fixtures/overloaded.h"
#include "fixtures/packed_documents.h"
#include "harness/draw/counter_numbers.h"
#include "harness/verdict/head_layout.h"
#include "harness/verdict/tensor_parts.h"

namespace attest::harness {
namespace {

constexpr std::int64_t kLargestOffset = 100;  ///< of a position over the token's own number

/// A bool tensor, true where visible(sample, token, key).
template <class Visible>
Tensor bool_tensor(const Shape& shape, Visible visible) {
  Tensor mask(DType::boolean, shape);
  const auto values = mask.as<std::uint8_t>();
  for (std::int64_t i = 0; i < mask.size(); ++i) {
    const std::int64_t key = i % shape[2], token = i / shape[2] % shape[1], sample = i / shape[2] / shape[1];
    values[static_cast<std::size_t>(i)] = visible(sample, token, key) ? 1 : 0;
  }
  return mask;
}

/// The keys that one row sees, as first..end or its opposite.
struct KeyRun {
  std::int64_t first = 0, end = 0;
  bool is_seen = true;
  bool sees(std::int64_t key) const { return (first <= key && key < end) == is_seen; }
};

/// The run of a row that hides leading, middle or trailing keys, or all but one. At least a quarter of them.
KeyRun drawn_run(HiddenKeys hidden, CounterNumbers& from, std::int64_t keys) {
  const auto count = [&] { return keys > 1 ? from.between(std::max<std::int64_t>(1, keys / 4), keys - 1) : 0; };
  switch (hidden) {
    case HiddenKeys::leading:
      return {count(), keys, true};
    case HiddenKeys::trailing:
      return {0, keys - count(), true};
    case HiddenKeys::middle: {
      const std::int64_t length = count(), first = from.between(0, keys - length);
      return {first, first + length, false};
    }
    case HiddenKeys::all_but_one: {
      const std::int64_t only = from.below(keys);
      return {only, only + 1, true};
    }
    case HiddenKeys::random:
    case HiddenKeys::none:
    case HiddenKeys::alternating:
    case HiddenKeys::whole_rows:
      break;
  }
  return {0, keys, true};
}

/// What `hidden` leaves. One row in eight of a random or alternating mask sees nothing at all, save in a mask of one
/// row for all tokens.
Tensor drawn_visible(const CaseDraw& draw, const Shape& shape) {
  auto from = numbers(draw.seed, DrawStream::mask);
  const bool is_random = draw.hidden == HiddenKeys::random, is_alternating = draw.hidden == HiddenKeys::alternating;
  const bool single_row = shape[0] * shape[1] == 1;
  bool row_sees = true;
  KeyRun run;
  return bool_tensor(shape, [&](std::int64_t sample, std::int64_t token, std::int64_t key) {
    if (key == 0) {
      if (is_random || is_alternating) row_sees = shape[1] == 1 || !from.one_in(8);
      if (draw.hidden == HiddenKeys::whole_rows) row_sees = single_row || (sample + token) % 2 == 0;
      run = drawn_run(draw.hidden, from, shape[2]);
    }
    const bool seen = is_random ? !from.one_in(3) : !is_alternating || key % 2 == 0;
    return row_sees && seen && run.sees(key);
  });
}

Shape shape_of_mask(const CaseDraw& draw) {
  using enum MaskBroadcast;
  const auto extent = [&](std::int64_t whole, std::initializer_list<MaskBroadcast> with_one_for_all) {
    return std::ranges::find(with_one_for_all, draw.broadcast) == with_one_for_all.end() ? whole : 1;
  };
  return {extent(draw.b, {b, b_s_x, b_s_k, all}), extent(draw.called_tokens(), {s_x, b_s_x, s_x_s_k, all}),
          extent(draw.mask_columns(), {s_k, b_s_k, s_x_s_k, all})};
}

FloatMask random_biases(const CaseDraw& draw, const Shape& shape) {
  constexpr float kHidden = -std::numeric_limits<float>::infinity();
  const Tensor visible = drawn_visible(draw, shape);
  auto from = numbers(draw.seed + 1, DrawStream::mask);
  FloatMask mask{Tensor(DType::float32, shape)};
  const auto values = mask.values.as<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bias = static_cast<float>(from.normal());
    values[i] = visible.as<std::uint8_t>()[i] != 0 ? bias : kHidden;
  }
  return mask;
}

/// Blocks of 16 to 128 tokens and keys, the same for all heads or others for each. A third of the blocks shows what
/// `hidden` leaves, a third everything, a third nothing.
BlockMask drawn_blocks(const CaseDraw& draw) {
  auto from = numbers(draw.seed + 3, DrawStream::mask);
  const BlockSize size{16 << from.below(4), 16 << from.below(4)};
  const std::int64_t heads = from.one_in(2) ? draw.num_heads() : 1, samples = from.one_in(2) ? draw.b : 1;
  Tensor dense = drawn_visible(draw, {samples * heads, draw.s_x, draw.mask_columns()});
  const auto seen = dense.as<std::uint8_t>();
  const std::int64_t columns = (dense.dim(2) + size.keys - 1) / size.keys;
  std::vector<std::int64_t> kinds;
  for (std::int64_t i = 0; i < dense.size(); ++i) {
    const std::int64_t key = i % dense.dim(2), token = i / dense.dim(2) % dense.dim(1);
    if (key == 0 && token % size.tokens == 0) {
      kinds.clear();
      while (std::ssize(kinds) < columns) kinds.push_back(from.below(3));
    }
    const std::int64_t kind = kinds[static_cast<std::size_t>(key / size.keys)];
    if (kind > 0) seen[static_cast<std::size_t>(i)] = kind == 1 ? 1 : 0;
  }
  return block_mask_of(reshaped(dense, {samples, heads, dense.dim(1), dense.dim(2)}), size);
}

/// Document number of each token.
std::vector<std::int64_t> document_of(const CaseDraw& draw) {
  std::vector<std::int64_t> document;
  for (const std::int64_t length : drawn_documents(draw)) {
    const std::int64_t number = document.empty() ? 0 : document.back() + 1;
    document.insert(document.end(), static_cast<std::size_t>(length), number);
  }
  return document;
}

Tensor packed_visible(const CaseDraw& draw) {
  const auto document = document_of(draw);
  return bool_tensor(
      {draw.b, draw.called_tokens(), draw.mask_columns()}, [&](std::int64_t, std::int64_t row, std::int64_t key) {
        const std::int64_t token = draw.filled + row;
        return key <= token && document[static_cast<std::size_t>(key)] == document[static_cast<std::size_t>(token)];
      });
}

/// [1, n]: every sample holds the same documents.
Tensor lengths_of_documents(const CaseDraw& draw) {
  const std::vector<std::int64_t> lengths = drawn_documents(draw);
  Tensor tensor(DType::int64, {1, static_cast<std::int64_t>(lengths.size())});
  std::ranges::copy(lengths, tensor.as<std::int64_t>().begin());
  return tensor;
}

/// Position of a token, before anything is added for its sample.
std::int64_t own_position(const CaseDraw& draw, std::int64_t token) {
  if (!draw.has_documents()) return token;
  std::int64_t start = 0;
  for (const std::int64_t length : drawn_documents(draw)) {
    if (token < start + length) break;
    start += length;
  }
  return token - start;
}

std::vector<std::int64_t> offsets(const CaseDraw& draw) {
  auto from = numbers(draw.seed, DrawStream::positions);
  std::vector<std::int64_t> offset(static_cast<std::size_t>(draw.positions == PositionKind::each ? draw.b : 1));
  for (auto& value : offset) value = draw.has_documents() ? 0 : from.below(kLargestOffset + 1);
  return offset;
}

}  // namespace

std::vector<std::int64_t> drawn_documents(const CaseDraw& draw) {
  auto from = numbers(draw.seed + 2, DrawStream::mask);
  std::vector<std::int64_t> lengths;
  for (std::int64_t left = draw.s_x; left > 0; left -= lengths.back()) lengths.push_back(from.between(1, left));
  return lengths;
}

Mask drawn_mask(const CaseDraw& draw) {
  const std::int64_t columns = draw.mask_columns();
  switch (draw.mask) {
    case MaskKind::none:
      return NoMask{};
    case MaskKind::causal:
      if (!draw.has_cache()) return NoMask{};
      return BoolMask{
          bool_tensor({1, draw.called_tokens(), columns},
                      [&](std::int64_t, std::int64_t row, std::int64_t key) { return key <= draw.filled + row; })};
    case MaskKind::boolean:
      return BoolMask{drawn_visible(draw, shape_of_mask(draw))};
    case MaskKind::floating:
      return random_biases(draw, shape_of_mask(draw));
    case MaskKind::packed:
      return BoolMask{packed_visible(draw)};
    case MaskKind::documents:
      return PackedBlockCausalMask{lengths_of_documents(draw)};
    case MaskKind::blocks:
      return drawn_blocks(draw);
  }
  return NoMask{};
}

Mask mask_rows(const Mask& mask, std::int64_t first, std::int64_t count) {
  const auto rows = [&](const Tensor& values) { return values.dim(1) == 1 ? values : slice(values, 1, first, count); };
  return std::visit(overloaded{[](const NoMask&) -> Mask { return NoMask{}; },
                               [&](const BoolMask& m) -> Mask { return BoolMask{rows(m.values)}; },
                               [&](const FloatMask& m) -> Mask { return FloatMask{rows(m.values)}; },
                               [](const PackedBlockCausalMask& m) -> Mask { return m; },
                               [](const BlockMask& m) -> Mask { return m; }},
                    mask);
}

std::optional<Tensor> drawn_keep(const CaseDraw& draw) {
  if (draw.dropout == 0) return std::nullopt;
  auto from = numbers(draw.seed, DrawStream::dropout);
  Tensor keep(DType::boolean, {draw.b, draw.num_heads(), draw.s_x, draw.mask_columns()});
  for (std::uint8_t& kept : keep.as<std::uint8_t>()) kept = from.below(100) >= draw.dropout ? 1 : 0;
  return keep;
}

VisibleKeys visible_keys(const CaseDraw& draw, const Mask& mask) {
  return [&draw, &mask](std::int64_t sample, std::int64_t row) {
    const std::int64_t token = draw.filled + row;
    const auto at = [&](const Tensor& values, std::int64_t key) {
      const auto along = [&](std::size_t axis, std::int64_t index) { return values.dim(axis) == 1 ? 0 : index; };
      const std::int64_t first = (along(0, sample) * values.dim(1) + along(1, row)) * values.dim(2);
      return static_cast<std::size_t>(first + along(2, key));
    };
    const auto sees = [&](std::int64_t key) {
      return std::visit(
          overloaded{
              [&](const NoMask&) { return draw.mask != MaskKind::causal || key <= token; },
              [&](const BoolMask& m) { return m.values.as<std::uint8_t>()[at(m.values, key)] != 0; },
              [&](const FloatMask& m) {
                return m.values.as<float>()[at(m.values, key)] > -std::numeric_limits<float>::infinity();
              },
              [&](const PackedBlockCausalMask&) { return key <= token && token - key <= own_position(draw, token); },
              [](const BlockMask&) -> bool { throw std::logic_error("a family that selects has no BlockMask"); }},
          mask);
    };
    const std::int64_t call_end = std::min(draw.s_x, draw.filled + (row / draw.chunk + 1) * draw.chunk);
    const std::int64_t present = draw.keys == KeySource::cache ? call_end : draw.key_tokens();
    std::vector<std::int64_t> keys;
    for (std::int64_t key = 0; key < present; ++key) {
      if (sees(key)) keys.push_back(key);
    }
    return keys;
  };
}

std::optional<Tensor> drawn_positions(const CaseDraw& draw, std::int64_t first, std::int64_t count) {
  const bool restarts = draw.has_documents() && draw.rotary != RotaryKind::none;
  if (draw.positions == PositionKind::implied && !restarts) return std::nullopt;
  const auto offset = offsets(draw);
  Tensor positions(DType::int64, {static_cast<std::int64_t>(offset.size()), count});
  const auto values = positions.as<std::int64_t>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto columns = static_cast<std::size_t>(count);
    values[i] = offset[i / columns] + own_position(draw, first + static_cast<std::int64_t>(i % columns));
  }
  return positions;
}

std::int64_t position_rows(const CaseDraw& draw) {
  const std::int64_t longest = std::max(draw.s_x, draw.s_y);
  return draw.positions == PositionKind::implied ? longest : longest + kLargestOffset;
}

}  // namespace attest::harness
