#include <cstdio>
#include <exception>
#include <memory_resource>

#include "fixtures/error.h"
#include "harness/attest_implementation.h"
#include "harness/builtin/guarded_memory.h"
#include "harness/builtin/layer_from_c.h"
#include "harness/isolation/dlpack_tensor.h"
#include "harness/lineup/implementations.h"
#include "harness/machine/process_resources.h"
#include "harness/verdict/tensor_parts.h"

/// The built-in implementations as a library under test: `libattest_builtin.so#reference`, `#optimized/avx2`. Tensors
/// are copied out of the interface's buffers and back, so this library puts its own tensors between guard pages too.
namespace attest::builtin {
namespace {

using harness::copy_of;
using harness::copy_to;

/// The one that was asked for last: a process loads this library for one option.
const harness::Implementation* chosen = nullptr;

std::int32_t say(attest_call* call, std::int32_t status, const std::string& sentence) {
  std::snprintf(call->message, call->message_capacity, "%s", sentence.c_str());
  return status;
}

/// No exception crosses the interface. `layer` says what is computed, for the declared gaps.
template <class Compute>
std::int32_t guarded(attest_call* call, const LayerSpec& layer, const Compute& compute) {
  try {
    if (const std::string gap = chosen->gap(layer); !gap.empty()) return say(call, ATTEST_UNSUPPORTED, gap);
    harness::set_threads(call->num_threads);
    compute();
    return ATTEST_DONE;
  } catch (const std::exception& error) {
    return say(call, ATTEST_FAILED, error.what());
  }
}

LayerSpec layer_with_dtype_of(const DLTensor& tensor) {
  LayerSpec layer;
  layer.config.dtype = harness::dtype_of(tensor.dtype);
  return layer;
}

std::int32_t linear(const attest_linear* in, attest_call* call) {
  return guarded(call, layer_with_dtype_of(*in->x), [&] {
    const Tensor x = copy_of(*in->x), weight = copy_of(*in->weight);
    const Tensor bias = in->bias == nullptr ? Tensor() : copy_of(*in->bias);
    copy_to(*in->out, chosen->linear({x, weight, in->bias == nullptr ? nullptr : &bias}));
  });
}

std::int32_t rotary(const attest_rotary* in, attest_call* call) {
  return guarded(call, layer_with_dtype_of(*in->x), [&] {
    const Tensor x = copy_of(*in->x), positions = copy_of(*in->positions);
    const PosEmbeddings embedding = embedding_of(in->pairing, x.dim(3), *in->cos);
    copy_to(*in->out, chosen->rotary({x, embedding, tables_of(*in->cos, *in->sin), &positions}));
  });
}

std::int32_t norm(const attest_norm* in, attest_call* call) {
  return guarded(call, layer_with_dtype_of(*in->x), [&] {
    const Tensor x = copy_of(*in->x), scale = copy_of(*in->scale);
    copy_to(*in->out, chosen->norm({x, RMSNorm{scale.dim(0), in->eps}, scale}));
  });
}

std::int32_t attention(const attest_attention* in, attest_call* call) {
  return guarded(call, layer_with_dtype_of(*in->q), [&] {
    const Tensor q = copy_of(*in->q), k = copy_of(*in->k), v = copy_of(*in->v);
    const Mask mask = mask_of(*in);
    const std::optional<Tensor> keep = keep_of(*in);
    copy_to(*in->out,
            chosen->attention({q, k, v, mask, in->is_causal != 0, in->scale, keep ? &*keep : nullptr, in->dropout_p}));
  });
}

void give(const attest_layer& in, const Stages& computed) {
  copy_to(*in.output, computed.at(Stage::output));
  if (in.k_cache != nullptr) {
    copy_to(*in.k_cache, computed.at(Stage::k_cache));
    copy_to(*in.v_cache, computed.at(Stage::v_cache));
  }
  for (attest_stage* wanted = in.stages; wanted != in.stages + in.num_stages; ++wanted) {
    const auto found = computed.find(stage_from_name(wanted->name).value());
    if (found == computed.end()) continue;
    copy_to(*wanted->tensor, found->second);
    wanted->given = 1;
  }
}

std::int32_t layer(const attest_layer* in, attest_call* call) {
  const LayerSpec spec = layer_of(*in);
  return guarded(call, spec, [&] {
    const auto built = chosen->layer(spec);
    if (in->cache_filled > 0) {
      built->fill_cache(harness::slice(copy_of(*in->k_cache), 2, 0, in->cache_filled),
                        harness::slice(copy_of(*in->v_cache), 2, 0, in->cache_filled));
    }
    give(*in, built->forward(inputs_of(*in)));
  });
}

}  // namespace
}  // namespace attest::builtin

extern "C" const attest_implementation* attest_get_implementation(uint32_t abi_version, const char* option) {
  using namespace attest;
  static builtin::GuardedMemory memory;
  static const auto all = harness::all_implementations();
  static const attest_implementation kTable = {
      .struct_size = sizeof(attest_implementation),
      .abi_version = ATTEST_ABI_VERSION,
      .claims = ATTEST_SAME_BITS_FOR_ANY_THREADS,
      .linear = builtin::linear,
      .rotary = builtin::rotary,
      .norm = builtin::norm,
      .attention = builtin::attention,
      .layer = builtin::layer,
      .score_storage = ATTEST_SCORES_FLOAT32,
      .arithmetic = 0,
      .features = ATTEST_SCALE | ATTEST_NORM_ORDER | ATTEST_BLOCK_MASK | ATTEST_DROPOUT};
  std::pmr::set_default_resource(&memory);
  for (const auto& one : all) {
    if (harness::label_of(one->identity()) == option) builtin::chosen = one.get();
  }
  return abi_version == ATTEST_ABI_VERSION && builtin::chosen != nullptr ? &kTable : nullptr;
}
