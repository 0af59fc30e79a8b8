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
#include <xtensor/core/xvectorize.hpp>
#include <xtensor/misc/xmanipulation.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xarray.hpp>
#include <xtensor/xmanipulation.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xvectorize.hpp>
#include <xtensor/xview.hpp>
#endif
#include <xtensor-blas/xblas.hpp>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>

namespace attest::reference {

/// An evaluated, row-major array of any rank. Every intermediate value is kept in one of these and never in an `auto`:
/// xtensor's expressions are lazy. So is a reducer evaluated before it is broadcast (sum_of_rows), at 0.5 ns an
/// element: in 0.24 a lazy one with keep_dims reads out of bounds there, and an immediate one does when an extent is 1.
template <class T>
using Array = xt::xarray<T, xt::layout_type::row_major>;

template <class T>
std::int64_t extent(const Array<T>& values, std::size_t axis) {
  return static_cast<std::int64_t>(values.shape(axis));
}

/// Row `i` of all rows of the last axis, contiguous, for reading or writing.
template <class Values>
auto row(Values& values, std::size_t i) {
  const std::size_t size = values.shape().back();
  return std::span(values.data() + i * size, size);
}

/// Elements [i, j, k, :] of an array of rank 4.
template <class Values>
auto row(Values& values, std::int64_t i, std::int64_t j, std::int64_t k) {
  return row(values, static_cast<std::size_t>((i * extent(values, 1) + j) * extent(values, 2) + k));
}

/// The same elements in another shape: torch's view.
template <class T, class Shape = std::vector<std::int64_t>>
Array<T> view_as(Array<T> values, const Shape& shape) {
  values.reshape(shape);
  return values;
}

/// What a reducer made of the rows of [..., n], as a column beside them: [..., 1].
template <class T>
Array<T> as_column(Array<T> of_rows) {
  auto shape = of_rows.shape();
  shape.push_back(1);
  return view_as(std::move(of_rows), shape);
}

/// The sum of each row of the last axis, which stays with the extent 1: [..., n] -> [..., 1].
template <class T = double, class Expression>
Array<T> sum_of_rows(const Expression& values) {
  return as_column<T>(xt::sum(values, {values.dimension() - 1}));
}

/// The largest of each row, likewise; of a row of nothing but -inf the lowest finite number.
template <class T = double, class Expression>
Array<T> largest_of_rows(const Expression& values) {
  return as_column<T>(xt::amax(values, {values.dimension() - 1}));
}

/// [rows|1, columns|1] in full: [rows, columns]. Where xtensor broadcasts a column by itself, every element of the
/// whole expression costs 2 to 4 ns; beside an array in full, a tenth of that.
template <class T>
Array<T> repeated(const Array<T>& values, std::size_t rows, std::size_t columns) {
  auto all = Array<T>::from_shape({rows, columns});
  for (std::size_t i = 0; i < rows; ++i) {
    const T* row = values.data() + (values.shape(0) == 1 ? 0 : i * values.shape(1));
    if (values.shape(1) == 1) {
      std::fill_n(all.data() + i * columns, columns, *row);
    } else {
      std::copy_n(row, columns, all.data() + i * columns);
    }
  }
  return all;
}

/// A column beside each of an array's: [rows, 1] -> [rows, columns].
template <class T>
Array<T> beside(const Array<T>& column, const Array<T>& values) {
  return repeated(column, values.shape(0), values.shape(1));
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
