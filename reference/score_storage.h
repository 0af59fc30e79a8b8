#pragma once

#include "fixtures/tensor.h"

namespace attest::reference {

/// What a kernel stores a score in before the softmax: float32, unless it declares that it keeps less.
using ScoreStorage = DType;

}  // namespace attest::reference
