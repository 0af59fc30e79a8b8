#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/isolation/call_fields.h"
#include "harness/isolation/library_call.h"

namespace attest::harness {

/// A call, and the tensors that were made for it. The others are borrowed.
struct PreparedCall {
  LibraryCall call;
  std::vector<std::unique_ptr<const Tensor>> made = {};
};

/// Fills the call of a function with its arguments. Both are named by members: &attest_implementation::linear,
/// &attest_linear::x.
template <class Arguments>
class CallOf {
 public:
  using Function = int32_t (*)(const Arguments*, attest_call*);
  explicit CallOf(Function attest_implementation::*function) : call_{{name_of(function)}} {}

  template <class Kind>
  void number(Kind Arguments::*field, std::type_identity_t<Kind> value) {
    std::get<NumbersOf<Kind>>(call_.call.numbers)[name_of(field)] = value;
  }
  void reads(const DLTensor* Arguments::*field, const Tensor& tensor) { add(name_of(field), Access::read, tensor); }
  void reads(const DLTensor* Arguments::*field, Tensor&& made) {
    reads(field, *call_.made.emplace_back(std::make_unique<const Tensor>(std::move(made))));
  }
  void reads(const attest_named_tensor* Arguments::*list, const std::string& name, const Tensor& tensor) {
    add(name_of(list) + name, Access::read, tensor);
  }
  void reads_same(const DLTensor* Arguments::*field, const DLTensor* Arguments::*as) {
    call_.call.same[name_of(field)] = name_of(as);
  }
  void updates(DLTensor* Arguments::*field, const Tensor& tensor) { add(name_of(field), Access::update, tensor); }
  void writes(DLTensor* Arguments::*field, DType dtype, const Shape& shape) {
    call_.call.buffers.push_back({name_of(field), Access::write, dtype, shape});
  }
  void writes(attest_stage* Arguments::*list, std::string_view name, DType dtype, const Shape& shape) {
    call_.call.buffers.push_back({name_of(list).append(name), Access::write, dtype, shape});
  }

  PreparedCall prepared() && { return std::move(call_); }

 private:
  void add(std::string name, Access access, const Tensor& tensor) {
    call_.call.buffers.push_back({std::move(name), access, tensor.dtype(), tensor.shape(), &tensor});
  }

  PreparedCall call_;
};

}  // namespace attest::harness
