#pragma once

#include <deque>
#include <vector>

#include "harness/attest_implementation.h"
#include "harness/bug_zoo/tensors.h"

/// The zoo computes in float32. For a bfloat16 layer its inputs are widened, and what it writes is rounded once.
namespace attest::bug_zoo {

inline bool is_bfloat16(const DLTensor& tensor) {
  return tensor.dtype.code == kDLBfloat && tensor.dtype.bits == 16;
}

/// The float32 copies that a bfloat16 call is computed on. A tensor of any other kind is its own copy.
class Widened {
 public:
  Widened() = default;
  Widened(const Widened&) = delete;
  Widened& operator=(const Widened&) = delete;

  attest_linear call(const attest_linear& given);
  attest_rotary call(const attest_rotary& given);
  attest_norm call(const attest_norm& given);
  attest_attention call(const attest_attention& given);
  attest_layer call(const attest_layer& given);

  /// Rounds what was written into the tensors that it is meant for.
  void write_back();

 private:
  const DLTensor* input(const DLTensor* tensor);
  DLTensor* output(DLTensor* tensor);

  struct Written {
    const DLTensor* from;
    DLTensor* to;
  };
  std::deque<Buffer> buffers_;  // a deque never moves them
  std::vector<Written> written_;
  std::vector<attest_named_tensor> weights_;
  std::vector<attest_stage> stages_;
  attest_stage* given_stages_ = nullptr;
};

}  // namespace attest::bug_zoo
