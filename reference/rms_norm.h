#pragma once

#include "fixtures/case.h"
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

}  // namespace attest::reference
