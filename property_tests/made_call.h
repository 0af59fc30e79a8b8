#pragma once

#include <functional>

#include "harness/isolation/call_arena.h"
#include "harness/isolation/library_calls.h"
#include "harness/isolation/worker_call.h"
#include "property_tests/sample_layer.h"

/// Calls of a library, as the harness sends them and its worker makes them, here in one process: what their arguments
/// look like, a test sees through `look`.
namespace attest::harness {

using property_tests::sample_tensor;

template <class Arguments>
std::function<void(const Arguments&, const attest_call&)> look;

template <class Arguments>
int32_t looked_at(const Arguments* in, attest_call* call) {
  look<Arguments>(*in, *call);
  return ATTEST_DONE;
}

inline attest_implementation looking_library() {
  attest_implementation library{};
  library.linear = looked_at<attest_linear>;
  library.rotary = looked_at<attest_rotary>;
  library.norm = looked_at<attest_norm>;
  library.attention = looked_at<attest_attention>;
  library.layer = looked_at<attest_layer>;
  return library;
}

inline CallReply make(const LibraryCall& call) {
  CallArena arena(call, Placement::flush_end);
  arena.begin(Before::unwritten);
  const CallRequest request{call.function, 3, call.numbers, call.same, arena.buffers()};
  const CallRequest received = request_from_text(to_text(request));
  const GuardedBuffers buffers(arena.memory(), received.buffers);
  return make_call(looking_library(), received, buffers);
}

inline const Tensor x = sample_tensor({2, 3, 6}, 1), weight = sample_tensor({5, 6}, 2), bias = sample_tensor({5}, 3);
inline const Tensor heads = sample_tensor({2, 3, 4, 8}, 4), scale = sample_tensor({8}, 5);
inline const Tensor q = sample_tensor({2, 4, 3, 8}, 6), k = sample_tensor({2, 2, 5, 8}, 7),
                    v = sample_tensor({2, 2, 5, 8}, 8);
inline const Norm norm = RMSNorm{8, 0.25};
inline const PosEmbeddings rotary = Phi3RotaryPositionalEmbeddings{8, 16};
inline const Mask mask = FloatMask{sample_tensor({2, 3, 5}, 9)}, no_mask = NoMask{};
inline const RotaryTables tables{sample_tensor({4}, 10), sample_tensor({16, 4}, 11), sample_tensor({16, 4}, 12)};
inline const Tensor input_pos = property_tests::positions_from(7, 3);

/// Norms of two eps, a cache, and an own width of everything.
inline const LayerSpec layer = [] {
  LayerSpec made = property_tests::sample_layer(
      {.d = 24, .norm = true, .is_causal = false, .pos_embeddings = rotary, .kv_cache = KVCache{2, 7, true}});
  std::get<RMSNorm>(made.config.k_norm).eps = 0.5;
  return made;
}();
inline const LibraryCache cache{sample_tensor({2, 2, 7, 8}, 13), sample_tensor({2, 2, 7, 8}, 14), 3};
inline const Inputs inputs{sample_tensor({2, 3, 24}, 15), sample_tensor({2, 3, 24}, 16),
                           FloatMask{sample_tensor({2, 3, 7}, 17)}, input_pos};
inline const Inputs self_attention{inputs.x, SameAsX{}, NoMask{}, std::nullopt};

inline PreparedCall layer_call() { return prepared(layer, inputs, &cache); }
inline PreparedCall causal_layer_call() {
  static const LayerSpec causal = property_tests::sample_layer({.d = 24, .is_causal = true});
  return prepared(causal, self_attention, nullptr);
}

inline std::vector<PreparedCall> one_of_each() {
  std::vector<PreparedCall> calls;
  calls.push_back(prepared(LinearInputs{x, weight, &bias}));
  calls.push_back(prepared(RotaryInputs{heads, rotary, tables, &input_pos}));
  calls.push_back(prepared(NormInputs{heads, norm, scale}));
  calls.push_back(prepared(AttentionInputs{q, k, v, mask, false}));
  calls.push_back(layer_call());
  return calls;
}

}  // namespace attest::harness
