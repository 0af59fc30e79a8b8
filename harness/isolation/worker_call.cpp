#include "harness/isolation/worker_call.h"

#include <cstdio>
#include <cstring>
#include <deque>
#include <exception>

#include "harness/isolation/dlpack_tensor.h"

namespace attest::harness {
namespace {

/// The request's buffers and numbers as the fields of the C structs want them.
class Fields {
 public:
  Fields(const CallRequest& request, const GuardedBuffers& buffers) : request_(request) {
    shapes_.reserve(request.buffers.size());
    for (std::size_t i = 0; i < request.buffers.size(); ++i) {
      const PlacedBuffer& buffer = request.buffers[i];
      shapes_.push_back(buffer.shape);
      data_.push_back(buffers.data(i));
      tensors_.push_back({data_.back(),
                          {kDLCPU, 0},
                          static_cast<int32_t>(buffer.shape.size()),
                          dlpack_type(buffer.dtype),
                          shapes_.back().data(),
                          nullptr,
                          0});
    }
  }

  /// Null where the call has no such tensor.
  DLTensor* tensor(const std::string& name) {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (request_.buffers[i].name == name) return &tensors_[i];
    }
    return nullptr;
  }

  /// "changed the DLTensor of `q`", by what the harness asked for; empty if it is as it was.
  std::string changed() const {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const DLTensor& now = tensors_[i];
      const PlacedBuffer& asked = request_.buffers[i];
      const bool same = now.data == data_[i] && now.shape == shapes_[i].data() && shapes_[i] == asked.shape &&
                        now.ndim == static_cast<int32_t>(asked.shape.size()) && dtype_of(now.dtype) == asked.dtype;
      if (!same) return "changed the DLTensor of `" + asked.name + "`";
    }
    return "";
  }

  double number(const std::string& name) const {
    const auto found = request_.numbers.find(name);
    return found == request_.numbers.end() ? 0.0 : found->second;
  }
  int64_t integer(const std::string& name) const { return static_cast<int64_t>(number(name)); }
  int32_t small_integer(const std::string& name) const { return static_cast<int32_t>(number(name)); }

  std::vector<attest_named_tensor> weights() {
    std::vector<attest_named_tensor> found;
    each_in("weights/", [&](const char* name, DLTensor* tensor) { found.push_back({name, tensor}); });
    return found;
  }
  std::vector<attest_stage> stages() {
    std::vector<attest_stage> found;
    each_in("stages/", [&](const char* name, DLTensor* tensor) { found.push_back({name, tensor, 0}); });
    return found;
  }

 private:
  template <class Take>
  void each_in(const std::string& folder, Take take) {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const std::string& name = request_.buffers[i].name;
      if (name.starts_with(folder)) take(name.c_str() + folder.size(), &tensors_[i]);
    }
  }

  const CallRequest& request_;
  std::vector<void*> data_;
  std::vector<Shape> shapes_;
  std::deque<DLTensor> tensors_;
};

/// One function with its arguments, which it is only to read.
template <class Arguments>
CallReply called(int32_t (*function)(const Arguments*, attest_call*), const Arguments& arguments, attest_call& call) {
  const Arguments before = arguments;
  CallReply reply;
  reply.status = function(&arguments, &call);
  if (std::memcmp(&before, &arguments, sizeof before) != 0) reply.changed = "changed the struct of its arguments";
  return reply;
}

CallReply call_linear(const attest_implementation& library, Fields& in, attest_call& call) {
  const attest_linear arguments{sizeof arguments, in.tensor("x"), in.tensor("weight"), in.tensor("bias"),
                                in.tensor("out")};
  return called(library.linear, arguments, call);
}

CallReply call_rotary(const attest_implementation& library, Fields& in, attest_call& call) {
  const attest_rotary arguments{sizeof arguments, in.tensor("x"),   in.small_integer("pairing"),
                                in.tensor("cos"), in.tensor("sin"), in.tensor("positions"),
                                in.tensor("out")};
  return called(library.rotary, arguments, call);
}

CallReply call_norm(const attest_implementation& library, Fields& in, attest_call& call) {
  const attest_norm arguments{sizeof arguments, in.tensor("x"), in.tensor("scale"), in.number("eps"), in.tensor("out")};
  return called(library.norm, arguments, call);
}

CallReply call_attention(const attest_implementation& library, Fields& in, attest_call& call) {
  const attest_attention arguments{sizeof arguments,   in.tensor("q"),    in.tensor("k"),
                                   in.tensor("v"),     in.tensor("mask"), in.small_integer("is_causal"),
                                   in.number("scale"), in.tensor("out")};
  return called(library.attention, arguments, call);
}

attest_layer layer_arguments(Fields& in) {
  attest_layer layer{};
  layer.struct_size = sizeof layer;
  layer.embed_dim = in.integer("embed_dim");
  layer.num_heads = in.integer("num_heads");
  layer.num_kv_heads = in.integer("num_kv_heads");
  layer.head_dim = in.integer("head_dim");
  layer.is_causal = in.small_integer("is_causal");
  layer.pairing = in.small_integer("pairing");
  layer.cos = in.tensor("cos");
  layer.sin = in.tensor("sin");
  layer.has_norm = in.small_integer("has_norm");
  layer.q_norm_eps = in.number("q_norm_eps");
  layer.k_norm_eps = in.number("k_norm_eps");
  layer.x = in.tensor("x");
  layer.y = in.number("y_is_x") == 1.0 ? layer.x : in.tensor("y");
  layer.mask = in.tensor("mask");
  layer.x_positions = in.tensor("x_positions");
  layer.y_positions = in.tensor("y_positions");
  layer.k_cache = in.tensor("k_cache");
  layer.v_cache = in.tensor("v_cache");
  layer.cache_filled = in.integer("cache_filled");
  layer.output = in.tensor("output");
  return layer;
}

CallReply call_layer(const attest_implementation& library, Fields& in, attest_call& call) {
  attest_layer layer = layer_arguments(in);
  const auto weights = in.weights();
  auto stages = in.stages();
  layer.weights = weights.data();
  layer.num_weights = weights.size();
  layer.stages = stages.data();
  layer.num_stages = stages.size();
  const auto asked = stages;
  CallReply reply = called(library.layer, layer, call);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (stages[i].given != 0) reply.given.push_back(std::string("stages/") + asked[i].name);
  }
  return reply;
}

CallReply call_function(const attest_implementation& library, const std::string& function, Fields& in,
                        attest_call& call) {
  if (function == "linear") return call_linear(library, in, call);
  if (function == "rotary") return call_rotary(library, in, call);
  if (function == "norm") return call_norm(library, in, call);
  if (function == "attention") return call_attention(library, in, call);
  return call_layer(library, in, call);
}

}  // namespace

CallReply make_call(const attest_implementation& library, const CallRequest& request, const GuardedBuffers& buffers) {
  Fields fields(request, buffers);
  const DLTensor* message = fields.tensor("message");
  attest_call call{sizeof call, request.threads, static_cast<char*>(message->data),
                   static_cast<std::size_t>(message->shape[0])};
  try {
    CallReply reply = call_function(library, request.function, fields, call);
    if (const std::string changed = fields.changed(); !changed.empty()) reply.changed = changed;
    return reply;
  } catch (const std::exception& thrown) {
    std::snprintf(call.message, call.message_capacity, "it threw a C++ exception: %s", thrown.what());
    return {ATTEST_FAILED, {}, ""};
  }
}

}  // namespace attest::harness
