#pragma once

#include <stddef.h>

/// Compile-time counting and unrolling for the kernels, which may not include std.
#if defined(__clang__)
#define ATTEST_UNROLL _Pragma("clang loop unroll(full)")
#else
#define ATTEST_UNROLL _Pragma("GCC unroll 16")
#endif

namespace {

template <size_t... Index>
struct Sequence {};

/// CountUp<3>::Type is Sequence<0, 1, 2>.
template <size_t Count, size_t... Index>
struct CountUp : CountUp<Count - 1, Count - 1, Index...> {};
template <size_t... Index>
struct CountUp<0, Index...> {
  using Type = Sequence<Index...>;
};

}  // namespace
