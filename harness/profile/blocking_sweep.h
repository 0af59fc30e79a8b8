#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/profile/profile.h"
#include "optimized/blocking.h"

/// `attest profile --sweep-blocking`: is the blocking right for this machine? One constant of it at a time takes other
/// values, and the same work is timed with them and with the default in turn.
namespace attest::harness {

/// A constant of the blocking that a layer can be given (kKeyBlock is compiled in).
struct BlockingConstant {
  std::string_view name;
  std::size_t optimized::Blocking::*member;
  bool cuts_sums;  ///< the results' last bits change with it
};
const std::vector<BlockingConstant>& blocking_constants();

/// The default, and a quarter, half, twice and four times as much; in ascending order, none is 0.
std::vector<std::size_t> candidates_of(std::size_t by_default);

struct CandidateTimes {
  std::size_t value = 0;
  Timing seconds;         ///< of warm calls
  Timing ratio;           ///< to the default's call of the same repetition
  Interval interval;      ///< of the median ratio
  bool same_bits = true;  ///< as with the default, on the sampled rows
};

struct ConstantSweep {
  const BlockingConstant* constant;
  std::size_t by_default = 0;
  std::vector<CandidateTimes> candidates;
};

struct BlockingSweep {
  ProfileRequest request;
  std::vector<ConstantSweep> constants;
};

/// No bit changed but with constants that cut sums.
bool keeps_its_bits(const BlockingSweep& sweep);

/// `after_constant` is told how many are done. Throws Interrupted after Ctrl-C.
BlockingSweep sweep_blocking(const ProfileRequest& request, const std::function<void(std::size_t)>& after_constant);

}  // namespace attest::harness
