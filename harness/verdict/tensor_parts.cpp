#include "harness/verdict/tensor_parts.h"

#include <algorithm>
#include <numeric>

namespace attest::harness {
namespace {

/// How many times the axis is gone through.
std::size_t entries_before(const Shape& shape, std::size_t axis) {
  return static_cast<std::size_t>(
      element_count(Shape(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis))));
}

}  // namespace

Tensor slice(const Tensor& tensor, std::size_t axis, std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> entries(static_cast<std::size_t>(count));
  std::iota(entries.begin(), entries.end(), first);
  return picked(tensor, axis, entries);
}

Tensor picked(const Tensor& tensor, std::size_t axis, const std::vector<std::int64_t>& entries) {
  Shape shape = tensor.shape();
  const std::size_t outer = entries_before(shape, axis);
  const auto extent = static_cast<std::size_t>(shape[axis]);
  const std::size_t run = tensor.bytes().size() / (outer * extent);
  shape[axis] = static_cast<std::int64_t>(entries.size());
  Tensor result(tensor.dtype(), shape);
  auto to = result.bytes().begin();
  for (std::size_t i = 0; i < outer; ++i) {
    for (const std::int64_t entry : entries) {
      const auto from = tensor.bytes().subspan((i * extent + static_cast<std::size_t>(entry)) * run, run);
      to = std::ranges::copy(from, to).out;
    }
  }
  return result;
}

Tensor rows_of_tokens(const Tensor& heads, std::span<const reference::TokenIndex> tokens) {
  const std::int64_t n = heads.dim(1), s = heads.dim(2);
  Tensor rows(heads.dtype(), {static_cast<std::int64_t>(tokens.size()), n, heads.dim(3)});
  const std::size_t run = static_cast<std::size_t>(heads.dim(3)) * size_of(heads.dtype());
  auto to = rows.bytes().begin();
  for (const auto& [sample, token] : tokens) {
    for (std::int64_t head = 0; head < n; ++head) {
      const auto row = static_cast<std::size_t>((sample * n + head) * s + token);
      to = std::ranges::copy(heads.bytes().subspan(row * run, run), to).out;
    }
  }
  return rows;
}

Tensor joined(const std::vector<Tensor>& parts, std::size_t axis) {
  Shape shape = parts.front().shape();
  shape[axis] = 0;
  for (const Tensor& part : parts) shape[axis] += part.dim(axis);
  Tensor whole(parts.front().dtype(), shape);
  const std::size_t outer = entries_before(shape, axis);
  auto to = whole.bytes().begin();
  for (std::size_t i = 0; i < outer; ++i) {
    for (const Tensor& part : parts) {
      const std::size_t run = part.bytes().size() / outer;
      to = std::ranges::copy(part.bytes().subspan(i * run, run), to).out;
    }
  }
  return whole;
}

void overwrite(Tensor& tensor, std::size_t axis, std::int64_t first, const Tensor& part) {
  const std::size_t outer = entries_before(tensor.shape(), axis);
  const std::size_t stride = tensor.bytes().size() / outer, run = part.bytes().size() / outer;
  const std::size_t begin = stride / static_cast<std::size_t>(tensor.dim(axis)) * static_cast<std::size_t>(first);
  for (std::size_t i = 0; i < outer; ++i) {
    std::ranges::copy(part.bytes().subspan(i * run, run), tensor.bytes().subspan(i * stride + begin, run).begin());
  }
}

}  // namespace attest::harness
