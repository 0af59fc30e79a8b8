#pragma once

#include <optional>

#include "optimized/blocking.h"
#include "optimized/target.h"

namespace attest::optimized {

/// What a caller lets a layer or a call use. No bit of a result depends on the number of threads.
struct Resources {
  int threads = 0;                   ///< 0: one for each core that this process may use
  std::optional<Blocking> blocking;  ///< absent: default_blocking()
};

/// What suits a target and this machine. Throws InputError for a target that is not usable here.
Blocking default_blocking(Target target);

}  // namespace attest::optimized
