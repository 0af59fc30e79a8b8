#pragma once

/// The only header that includes xtensor, which moved its headers into folders after 0.24. xsimd stays off: the
/// reference is built for the baseline instruction set and means what it says.
#ifdef XTENSOR_USE_XSIMD
#error "reference/ is built without xsimd"
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#endif
#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xarray.hpp>
#include <xtensor/core/xmath.hpp>
#include <xtensor/misc/xmanipulation.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xarray.hpp>
#include <xtensor/xmanipulation.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>
#endif
#include <xtensor-blas/xblas.hpp>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#include <cstdint>
#include <span>
#include <type_traits>

namespace attest::reference {

/// An evaluated, row-major array of any rank. Every intermediate value is kept in one of these and never in an `auto`:
/// xtensor's expressions are lazy. So is a reducer evaluated before it is broadcast (sum_of_rows): in 0.24 a lazy one
/// with keep_dims reads out of bounds there, and an immediate one does when an extent is 1.
template <class T>
using Array = xt::xarray<T, xt::layout_type::row_major>;

/// Element [i, j, k, :] of an array of rank 4, contiguous.
template <class T>
std::span<const T> row(const Array<T>& values, std::int64_t i, std::int64_t j, std::int64_t k) {
  const auto& shape = values.shape();
  const auto index =
      (static_cast<std::size_t>(i) * shape[1] + static_cast<std::size_t>(j)) * shape[2] + static_cast<std::size_t>(k);
  return {values.data() + index * shape[3], shape[3]};
}

template <class T>
std::span<T> row(Array<T>& values, std::int64_t i, std::int64_t j, std::int64_t k) {
  const auto constant = row(std::as_const(values), i, j, k);
  return {const_cast<T*>(constant.data()), constant.size()};
}

/// The sum of each row of the last axis, which stays with the extent 1: [..., n] -> [..., 1].
template <class T = double, class Expression>
Array<T> sum_of_rows(const Expression& values) {
  const std::size_t last = values.dimension() - 1;
  Array<T> sums = xt::sum(values, {last});
  auto shape = sums.shape();
  shape.push_back(1);
  sums.reshape(shape);
  return sums;
}

template <class T>
std::int64_t extent(const Array<T>& values, std::size_t axis) {
  return static_cast<std::int64_t>(values.shape(axis));
}

/// The same elements in another shape: torch's view.
template <class T>
Array<T> view_as(Array<T> values, const std::vector<std::int64_t>& shape) {
  values.reshape(shape);
  return values;
}

/// [b, s, n, h_d] to [b, n, s, h_d] and back: torchtune's transpose(1, 2).
template <class T>
Array<T> transpose_1_2(const Array<T>& values) {
  return xt::transpose(values, {0, 2, 1, 3});
}

/// [b, s, n h_d] to [b, s, n, h_d]: torchtune's view(b, s, n, h_d).
template <class T>
Array<T> split_heads(const Array<T>& values, std::int64_t n) {
  return view_as(values, {extent(values, 0), extent(values, 1), n, extent(values, 2) / n});
}

/// [b, n, s, h_d] to [b, s, n h_d]: torchtune's transpose(1, 2).contiguous().view(b, s, -1).
template <class T>
Array<T> join_heads(const Array<T>& values) {
  return view_as(transpose_1_2(values), {extent(values, 0), extent(values, 2), extent(values, 1) * extent(values, 3)});
}

}  // namespace attest::reference
