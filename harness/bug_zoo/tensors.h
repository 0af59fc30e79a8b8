#pragma once

#include <dlpack/dlpack.h>

#include <cstdint>
#include <vector>

/// The few things that the zoo does with DLPack's tensors, all of them contiguous, and float32 unless said otherwise.
namespace attest::bug_zoo {

inline std::int64_t element_count(const DLTensor& tensor) {
  std::int64_t count = 1;
  for (int axis = 0; axis < tensor.ndim; ++axis) count *= tensor.shape[axis];
  return count;
}

/// The extent of an axis, the last one for -1.
inline std::int64_t extent(const DLTensor& tensor, int axis) {
  return tensor.shape[axis < 0 ? tensor.ndim + axis : axis];
}

template <class T = float>
const T* elements(const DLTensor& tensor) {
  return static_cast<const T*>(tensor.data);
}

inline float* writable(const DLTensor& tensor) { return static_cast<float*>(tensor.data); }

inline bool is_float32(const DLTensor& tensor) { return tensor.dtype.code == kDLFloat && tensor.dtype.bits == 32; }

/// A float32 tensor that owns its elements; zero at first.
class Buffer {
 public:
  explicit Buffer(std::vector<std::int64_t> shape) { reshape(std::move(shape)); }
  Buffer(Buffer&&) = default;
  Buffer& operator=(Buffer&&) = default;

  /// Another view of the elements. The first call decides how many there are.
  void reshape(std::vector<std::int64_t> shape) {
    shape_ = std::move(shape);
    tensor_.ndim = static_cast<std::int32_t>(shape_.size());
    tensor_.shape = shape_.data();
    tensor_.dtype = {kDLFloat, 32, 1};
    tensor_.device = {kDLCPU, 0};
    values_.resize(static_cast<std::size_t>(element_count(tensor_)));
    tensor_.data = values_.data();
  }

  const DLTensor& tensor() const { return tensor_; }
  DLTensor* out() { return &tensor_; }
  float* data() { return values_.data(); }
  const float* data() const { return values_.data(); }

 private:
  std::vector<std::int64_t> shape_;
  std::vector<float> values_;
  DLTensor tensor_{};
};

/// [b, m, n, h_d] -> [b, n, m, h_d]
Buffer with_middle_axes_swapped(const DLTensor& tensor);

}  // namespace attest::bug_zoo
