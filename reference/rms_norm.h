#pragma once

#include "fixtures/case.h"
#include "reference/budget.h"
#include "reference/xtensor.h"

namespace attest::reference {

/// torchtune.modules.RMSNorm's parameters.
template <class T>
struct RMSNormParameters {
  Array<T> scale;  ///< [dim]
  double eps = 0;
};

/// `norm` is not NoNorm, which has no parameters.
template <class T>
RMSNormParameters<T> rms_norm_parameters(const Norm& norm, const Tensor& scale);

/// y [..., dim] = x / sqrt(mean(x^2) + eps) * scale, over the last axis. torchtune.modules.RMSNorm (0.6.1)
template <class T>
Array<T> rms_norm(const Array<T>& x, const RMSNormParameters<T>& parameters);

/// Budget of y [..., h_d] = x r scale with r = 1 / sqrt(mean(x^2) + eps).
///
///   (sqrt(h_d) + 8) u |y| + underflow of x r and of its product with scale + half_ulp(y) + propagated
///
/// With x^ = x r, differentiating gives dr = -r^2 mean(x^ dx), hence dy_i = scale_i r (dx_i - x^_i mean(x^ dx)). The
/// coefficient of dx_i is 1 - x^_i^2 / h_d, that of any other dx_j is -x^_i x^_j / h_d, so with independent dx
///
///   propagated = kappa |scale_i| r sqrt( (1 - x^_i^2 / h_d)^2 dx_i^2 + (x^_i / h_d)^2 sum_{j != i} (x^_j dx_j)^2 )
Budget norm_budget(const Array<double>& x, const RMSNormParameters<double>& parameters, const Array<double>& y,
                   DType storage, const Budget* dx);

}  // namespace attest::reference
