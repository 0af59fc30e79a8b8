#pragma once

#include <cstddef>

namespace attest::optimized {

/// Rows of head_dim elements, addressed by sample, token and head.
template <class Element>
struct HeadRows {
  Element* data = nullptr;
  std::size_t sample_stride = 0, token_stride = 0, head_stride = 0;
  std::size_t first_sample = 0;  ///< the one that data begins with

  Element* at(std::size_t sample, std::size_t token, std::size_t head) const {
    return data + (sample - first_sample) * sample_stride + token * token_stride + head * head_stride;
  }
};

}  // namespace attest::optimized
