#pragma once

/// 2^x, the exponential of a softmax whose scores are kept in the log2 domain.
namespace {

/// 2^x for x <= 127 or NaN. x = n + f with n integral and |f| <= 1/2; 2^f by a polynomial of degree 6 (minimax,
/// constant term exactly 1, so that 2^0 is exact), relative error below 1.4 * 2^-24 in all. Results from 2^-150 to
/// 2^-126 are subnormal, not flushed. Below that they are zero, and taken out of the arithmetic: an underflow would
/// cost an interruption of the pipeline, and hidden keys are many.
inline Vec exp2(Vec x) {
  const Lanes counts = not_less(x, broadcast(-150.0f));
  x = keep(counts, x);
  const Vec n = round_to_integer(x);
  const Vec f = subtract(x, n);
  Vec p = broadcast(0x1.41fbbcp-13f);
  p = fma(p, f, broadcast(0x1.5f3e52p-10f));
  p = fma(p, f, broadcast(0x1.3b2d4cp-7f));
  p = fma(p, f, broadcast(0x1.c6aee8p-5f));
  p = fma(p, f, broadcast(0x1.ebfbdcp-3f));
  p = fma(p, f, broadcast(0x1.62e430p-1f));
  p = fma(p, f, broadcast(1.0f));
  return keep(counts, scale_by_power(p, n));
}

}  // namespace
