#pragma once

#include <cstddef>
#include <vector>

namespace attest::harness {

/// What is reported of repeated measurements.
struct Timing {
  double median = 0.0;
  double min = 0.0;
  double max = 0.0;
  double deviation = 0.0;  ///< the median absolute deviation from the median
  std::size_t count = 0;
};

/// Of at least one sample. The median of an even number is the mean of the two in the middle.
Timing timing_of(std::vector<double> samples);

/// Where the true median lies, by two order statistics: no assumption about the distribution.
struct Interval {
  double low = 0.0;
  double high = 0.0;
  double confidence = 0.0;  ///< at least 0.95 from six samples on; fewer give less, their whole range
};

/// The narrowest symmetric pair of order statistics that holds the median with 95 %, of at least one sample.
Interval median_interval(std::vector<double> samples);

}  // namespace attest::harness
