#include "harness/isolation/worker_call.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <type_traits>

#include "fixtures/require.h"
#include "harness/isolation/call_fields.h"
#include "harness/isolation/dlpack_tensor.h"

namespace attest::harness {
namespace {

/// The request's buffers as DLPack's tensors.
class CallTensors {
 public:
  CallTensors(const std::vector<PlacedBuffer>& asked, const GuardedBuffers& buffers) : asked_(asked) {
    shapes_.reserve(asked.size());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      Shape& shape = shapes_.emplace_back(asked[i].shape);
      const auto ndim = static_cast<int32_t>(shape.size());
      made_.push_back({buffers.data(i), {kDLCPU, 0}, ndim, dlpack_type(asked[i].dtype), shape.data(), nullptr, 0});
    }
    given_ = made_;
  }

  /// Null where the call has no such tensor.
  DLTensor* named(const std::string& name) {
    const auto found = std::ranges::find(asked_, name, &PlacedBuffer::name);
    return found == asked_.end() ? nullptr : &given_[static_cast<std::size_t>(found - asked_.begin())];
  }

  /// "changed the DLTensor of `q`"; empty if all are as they were made.
  std::string changed() const {
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      const bool same = std::memcmp(&given_[i], &made_[i], sizeof made_[i]) == 0 && shapes_[i] == asked_[i].shape;
      if (!same) return "changed the DLTensor of `" + asked_[i].name + "`";
    }
    return "";
  }

 private:
  const std::vector<PlacedBuffer>& asked_;
  std::vector<Shape> shapes_;
  std::vector<DLTensor> made_, given_;  ///< the library has the second
};

/// Gives each field of a struct what was sent under its name. Throws InputError for one that is missing or of another
/// kind, and for a name that no field took.
class Fields {
 public:
  Fields(const CallRequest& request, CallTensors& tensors) : request_(request), tensors_(tensors) {}

  template <class Arguments>
  Arguments as() {
    Arguments arguments{};
    arguments.struct_size = sizeof arguments;
    visit_fields(arguments, *this);
    std::apply([&](const auto&... numbers) { (require_taken(numbers), ...); }, request_.numbers);
    require_taken(request_.same);
    for (const auto& buffer : request_.buffers) require_taken(buffer.name);
    return arguments;
  }

  template <class Kind>
    requires std::is_arithmetic_v<Kind>
  void operator()(const char* name, Kind& number) {
    const auto& sent = std::get<NumbersOf<Kind>>(request_.numbers);
    require(sent.contains(name), where(name), "a number of its kind", "none");
    number = sent.at(name);
    taken_.insert(name);
  }
  void operator()(const char* name, auto*& tensor) {
    (*this)(name, tensor, Optional());
    require(tensor != nullptr, where(name), "a tensor", "none");
  }
  void operator()(const char* name, auto*& tensor, Optional) {
    const auto same = request_.same.find(name);
    const bool is_same = same != request_.same.end();
    tensor = tensors_.named(is_same ? same->second : name);
    require(tensor != nullptr || !is_same, where(name), "a tensor that another field has too", "none");
    taken_.insert(name);
  }
  template <class Named>
  void operator()(const char* folder, Named*& list, size_t& length) {
    auto& found = std::get<std::vector<std::remove_const_t<Named>>>(lists_);
    for (const auto& buffer : request_.buffers) {
      if (!buffer.name.starts_with(folder)) continue;
      auto& named = found.emplace_back();
      named.name = buffer.name.c_str() + std::strlen(folder);
      named.tensor = tensors_.named(buffer.name);
      taken_.insert(buffer.name);
    }
    list = found.data();
    length = found.size();
  }

  /// The buffers of the stages that the library gave.
  std::vector<std::string> given() const {
    std::vector<std::string> names;
    auto stage = std::get<std::vector<attest_stage>>(lists_).begin();
    for (const auto& buffer : request_.buffers) {
      if (buffer.name.starts_with(name_of(&attest_layer::stages)) && (stage++)->given != 0)
        names.push_back(buffer.name);
    }
    return names;
  }

 private:
  std::string where(const std::string& name) const { return request_.function + "." + name; }
  void require_taken(const std::string& name) const {
    require(taken_.contains(name), where(name), "a field of its struct", "no field of that name");
  }
  template <class Value>
  void require_taken(const std::map<std::string, Value>& sent) const {
    for (const auto& [name, value] : sent) require_taken(name);
  }

  const CallRequest& request_;
  CallTensors& tensors_;
  std::set<std::string> taken_ = {kMessage};
  std::tuple<std::vector<attest_named_tensor>, std::vector<attest_stage>> lists_;
};

/// No exception crosses the interface, but some libraries do not know.
template <class Arguments>
int32_t status_of(int32_t (*function)(const Arguments*, attest_call*), const Arguments& arguments, attest_call& call) {
  try {
    return function(&arguments, &call);
  } catch (const std::exception& thrown) {
    std::snprintf(call.message, call.message_capacity, "it threw a C++ exception: %s", thrown.what());
    return ATTEST_FAILED;
  }
}

/// One function with its arguments, which it is only to read.
template <class Arguments>
CallReply called(int32_t (*function)(const Arguments*, attest_call*), const CallRequest& request, CallTensors& tensors,
                 attest_call& call) {
  Fields fields(request, tensors);
  Arguments arguments = fields.as<Arguments>();
  const Arguments before = arguments;
  CallReply reply{status_of(function, arguments, call), fields.given(), tensors.changed()};
  if (std::memcmp(&before, &arguments, sizeof before) != 0) reply.changed = "changed the struct of its arguments";
  return reply;
}

}  // namespace

CallReply make_call(const attest_implementation& library, const CallRequest& request, const GuardedBuffers& buffers) {
  CallTensors tensors(request.buffers, buffers);
  const DLTensor* message = tensors.named(kMessage);
  attest_call call{sizeof call, request.threads, static_cast<char*>(message->data),
                   static_cast<std::size_t>(message->shape[0])};
  std::optional<CallReply> reply;
  visit_fields(library, [&](const char* name, auto function) {
    if (name == request.function) reply = called(function, request, tensors, call);
  });
  require(reply.has_value(), "function", "one of the interface", request.function);
  return *reply;
}

}  // namespace attest::harness
