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

const attest_implementation kTable = {
    sizeof(attest_implementation),
    ATTEST_ABI_VERSION,
    0,
    [](const attest_linear* in, attest_call* call) { return answer(*in->x, call, [&] { multiply(*in); }); },
    [](const attest_rotary* in, attest_call* call) { return answer(*in->x, call, [&] { rotate(*in); }); },
    [](const attest_norm* in, attest_call* call) { return answer(*in->x, call, [&] { normalise(*in); }); },
    [](const attest_attention* in, attest_call* call) { return answer(*in->q, call, [&] { attend(*in); }); },
    [](const attest_layer* in, attest_call* call) { return answer(*in->x, call, [&] { forward(*in); }); },
    ATTEST_SCORES_FLOAT32};

}  // namespace

bool has_bug(const char* name) { return chosen == name; }

int allowed_threads() { return threads; }

}  // namespace attest::held_out

const attest_implementation* attest_get_implementation(uint32_t abi_version, const char* option) {
  if (abi_version != ATTEST_ABI_VERSION) return nullptr;
  attest::held_out::chosen = option;
  return &attest::held_out::kTable;
}
