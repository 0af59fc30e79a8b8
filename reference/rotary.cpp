#include "reference/rotary.h"

#include <algorithm>
#include <string>

#include "fixtures/error.h"
#include "fixtures/overloaded.h"
#include "fixtures/validate.h"
#include "reference/arrays.h"

namespace attest::reference {
namespace {

/// What distinguishes one rotary module from another once its tables are built.
struct RotaryKind {
  RotaryPairs pairs;
  std::int64_t max_seq_len;
  DType product_dtype;
};

std::optional<RotaryKind> kind_of(const PosEmbeddings& embedding, DType storage) {
  using Kind = std::optional<RotaryKind>;
  using enum RotaryPairs;
  return std::visit(overloaded{[](const NoPosEmbeddings&) { return Kind{}; },
                               [](const RotaryPositionalEmbeddings& e) {
                                 return Kind{{interleaved, e.max_seq_len, DType::float32}};
                               },
                               [](const Llama3ScaledRoPE& e) {
                                 return Kind{{interleaved, e.max_seq_len, DType::float32}};
                               },
                               [](const Phi3RotaryPositionalEmbeddings& e) {
                                 return Kind{{half_split, e.max_seq_len, DType::float32}};
                               },
                               [&](const Qwen2RotaryPositionalEmbeddings& e) {
                                 return Kind{{half_split, e.max_seq_len, storage}};
                               }},
                    embedding);
}

template <class T>
Array<T> gather(const Array<T>& table, const std::vector<std::int64_t>& positions, std::int64_t b, std::int64_t s) {
  const std::size_t half = table.shape(1);
  Array<T> rows = xt::zeros<T>({static_cast<std::size_t>(b), static_cast<std::size_t>(s), std::size_t{1}, half});
  for (std::size_t token = 0; token < positions.size(); ++token) {
    const auto position = static_cast<std::size_t>(positions[token]);
    std::copy_n(table.data() + position * half, half, rows.data() + token * half);
  }
  return rows;
}

/// Every `step`-th channel of x [b, s, n, h_d] from `first` to before `end`, for reading or writing.
template <class Doubles>
auto channels(Doubles& x, std::ptrdiff_t first, std::ptrdiff_t end, std::ptrdiff_t step) {
  return xt::view(x, xt::all(), xt::all(), xt::all(), xt::range(first, end, step));
}

}  // namespace

template <class T>
std::optional<RotaryEmbedding<T>> rotary_embedding(const PosEmbeddings& embedding, const RotaryTables* tables,
                                                   DType storage) {
  const std::optional<RotaryKind> kind = kind_of(embedding, storage);
  if (!kind) return std::nullopt;
  return RotaryEmbedding<T>{rounded_to(kind->product_dtype, to_array<T>(tables->cos)),
                            rounded_to(kind->product_dtype, to_array<T>(tables->sin)), kind->pairs, kind->product_dtype,
                            kind->max_seq_len};
}

template <class T>
Rotation<T> rotation_at(const RotaryEmbedding<T>& embedding, const Tensor* input_pos, std::int64_t b, std::int64_t s) {
  const auto positions = resolve_positions(input_pos, b, s, embedding.max_seq_len);
  const auto rows = static_cast<std::int64_t>(embedding.cos.shape(0));
  const auto missing = std::ranges::find_if(positions, [&](std::int64_t position) { return position >= rows; });
  if (missing != positions.end()) {
    throw InputError("input_pos", "positions with a row in the tables, below " + std::to_string(rows),
                     std::to_string(*missing));
  }
  return {gather(embedding.cos, positions, b, s), gather(embedding.sin, positions, b, s), embedding.pairs,
          embedding.product_dtype};
}

template <class T>
RotaryHalves<T> split_pairs(const Array<T>& x, RotaryPairs pairs) {
  const auto h_d = static_cast<std::ptrdiff_t>(x.shape().back());
  if (pairs == RotaryPairs::interleaved) return {channels(x, 0, h_d, 2), channels(x, 1, h_d, 2)};
  return {channels(x, 0, h_d / 2, 1), channels(x, h_d / 2, h_d, 1)};
}

template <class T>
Array<T> join_pairs(const RotaryHalves<T>& halves, RotaryPairs pairs) {
  auto shape = halves.first.shape();
  shape.back() *= 2;
  const auto h_d = static_cast<std::ptrdiff_t>(shape.back());
  Array<T> joined(shape);
  if (pairs == RotaryPairs::interleaved) {
    channels(joined, 0, h_d, 2) = halves.first;
    channels(joined, 1, h_d, 2) = halves.second;
  } else {
    channels(joined, 0, h_d / 2, 1) = halves.first;
    channels(joined, h_d / 2, h_d, 1) = halves.second;
  }
  return joined;
}

template <class T>
Array<T> rotary(const Array<T>& x, const Rotation<T>& rotation) {
  const auto& [cos, sin, pairs, product_dtype] = rotation;
  const auto [a, b] = split_pairs(x, pairs);
  const Array<T> a_cos = rounded_to<T>(product_dtype, a * cos);
  const Array<T> b_sin = rounded_to<T>(product_dtype, b * sin);
  const Array<T> b_cos = rounded_to<T>(product_dtype, b * cos);
  const Array<T> a_sin = rounded_to<T>(product_dtype, a * sin);
  return join_pairs<T>({a_cos - b_sin, b_cos + a_sin}, pairs);
}

namespace {

using Doubles = Array<double>;

/// With w(c, table) of a channel c and the table that it is multiplied with: w(a, cos) + w(b, sin) for the first
/// channel of each pair (a, b), w(b, cos) + w(a, sin) for the second.
template <class Weigh>
Doubles over_pairs(const Rotation<double>& rotation, const Doubles& x, const Doubles& dx, Weigh weigh) {
  const auto [a, b] = split_pairs(x, rotation.pairs);
  const auto [da, db] = split_pairs(dx, rotation.pairs);
  const Doubles first = weigh(a, da, rotation.cos) + weigh(b, db, rotation.sin);
  const Doubles second = weigh(b, db, rotation.cos) + weigh(a, da, rotation.sin);
  return join_pairs<double>({first, second}, rotation.pairs);
}

/// How far the rounding of a product c table may move because c does, by dc: as add_storage, at the far end.
Doubles moved_rounding(const Doubles& product, const Doubles& moved, DType product_dtype) {
  if (product_dtype == DType::float32) return xt::zeros_like(product);
  return half_ulps(xt::abs(product) + xt::abs(moved), product_dtype);
}

}  // namespace

Budget rotary_budget(const Doubles& x, const Rotation<double>& rotation, const Doubles& y, DType storage,
                     const Budget* dx) {
  const auto size = [](const Doubles& c, const Doubles&, const Doubles& table) { return Doubles(xt::abs(c * table)); };
  const Doubles local = kRotaryFactor * (kUnitRoundoff * over_pairs(rotation, x, x, size) + kUnderflow);
  Budget budget{local, local};
  if (dx != nullptr) {
    const auto variance = [&](const Doubles& c, const Doubles& dc, const Doubles& table) {
      const Doubles moved = dc * table, rounding = moved_rounding(c * table, moved, rotation.product_dtype);
      return Doubles(xt::square(moved) + xt::square(rounding));
    };
    const auto deviation = [&](const Doubles& c, const Doubles& dc, const Doubles& table) {
      const Doubles moved = dc * table, rounding = moved_rounding(c * table, moved, rotation.product_dtype);
      return Doubles(xt::abs(moved) + 2 * rounding);
    };
    budget.statistical += kKappa * xt::sqrt(over_pairs(rotation, x, dx->statistical, variance));
    budget.worst_case += over_pairs(rotation, x, dx->worst_case, deviation);
  }
  add_storage(budget, y, storage);
  return budget;
}

#define ATTEST_INSTANTIATE(T)                                                                                    \
  template std::optional<RotaryEmbedding<T>> rotary_embedding(const PosEmbeddings&, const RotaryTables*, DType); \
  template Rotation<T> rotation_at(const RotaryEmbedding<T>&, const Tensor*, std::int64_t, std::int64_t);        \
  template RotaryHalves<T> split_pairs(const Array<T>&, RotaryPairs);                                            \
  template Array<T> join_pairs(const RotaryHalves<T>&, RotaryPairs);                                             \
  template Array<T> rotary(const Array<T>&, const Rotation<T>&);
ATTEST_INSTANTIATE(float)
ATTEST_INSTANTIATE(double)
#undef ATTEST_INSTANTIATE

}  // namespace attest::reference
