#include <cmath>
#include <cstdio>
#include <string>

#include "property_tests/held_out/layer.h"

namespace attest::held_out {
namespace {

std::string chosen;
int threads = 1;

std::int32_t answer(const DLTensor& x, attest_call* call, const auto& compute) {
  if (x.dtype.bits != 32) {
    std::snprintf(call->message, call->message_capacity, "float32 only");
    return ATTEST_UNSUPPORTED;
  }
  threads = call->num_threads;
  compute();
  return ATTEST_DONE;
}

/// Compiled with an older header too: what is not named here is 0.
attest_implementation table() {
  attest_implementation made{};
  made.struct_size = sizeof made;
  made.abi_version = ATTEST_ABI_VERSION;
  made.linear = [](const attest_linear* in, attest_call* call) { return answer(*in->x, call, [&] { multiply(*in); }); };
  made.rotary = [](const attest_rotary* in, attest_call* call) { return answer(*in->x, call, [&] { rotate(*in); }); };
  made.norm = [](const attest_norm* in, attest_call* call) { return answer(*in->x, call, [&] { normalise(*in); }); };
  made.attention = [](const attest_attention* in, attest_call* call) {
    return answer(*in->q, call, [&] { attend(*in); });
  };
  made.layer = [](const attest_layer* in, attest_call* call) { return answer(*in->x, call, [&] { forward(*in); }); };
  return made;
}

}  // namespace

bool has_bug(const char* name) { return chosen == name; }

int allowed_threads() { return threads; }

}  // namespace attest::held_out

const attest_implementation* attest_get_implementation(uint32_t abi_version, const char* option) {
  if (abi_version != ATTEST_ABI_VERSION) return nullptr;
  attest::held_out::chosen = option;
  static const attest_implementation kTable = attest::held_out::table();
  return &kTable;
}
