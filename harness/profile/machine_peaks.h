#pragma once

#include <cstddef>

#include "optimized/aligned_buffer.h"
#include "optimized/target.h"

/// What this machine can do at most, measured beside the work that is compared with it.
namespace attest::harness {

class MachinePeaks {
 public:
  /// For this target and the current number of threads. Takes 512 MiB, and finds how long a loop has to run.
  explicit MachinePeaks(optimized::Target target);

  /// FLOP/s of independent fused multiply-adds on every thread, over some 10 ms.
  double measure_fma();
  /// Bytes/s of every thread reading its part of 512 MiB. The caches then hold nothing of the work that came before,
  /// unless they are larger than that.
  double measure_stream();

 private:
  void calibrate();
  double run_fma() const;

  optimized::Target target_;
  std::size_t steps_ = 0;            ///< of run_peak, for one sample
  optimized::AlignedBuffer memory_;  ///< on huge pages, as the packed weights are
};

}  // namespace attest::harness
