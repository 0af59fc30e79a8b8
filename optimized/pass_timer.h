#pragma once

#include <chrono>
#include <cstdint>

#include "optimized/multi_head_attention.h"

namespace attest::optimized {

/// Adds the time since it was made, or since the last call, to one of the passes. Without times it reads no clock.
class PassTimer {
 public:
  explicit PassTimer(StageTimes* times) : times_(times) {
    if (times_ != nullptr) last_ = Clock::now();
  }

  void end_of(std::int64_t StageTimes::*pass) {
    if (times_ == nullptr) return;
    const auto now = Clock::now();
    times_->*pass += std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count();
    last_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  StageTimes* times_;
  Clock::time_point last_;
};

}  // namespace attest::optimized
