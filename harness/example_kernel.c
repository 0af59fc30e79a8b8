/* A complete implementation for attest, in plain C: torchtune's attention, and the single stages around it.
 *
 *     cc -O2 -shared -fPIC -I<prefix>/include/attest/harness example_kernel.c -o example_kernel.so -lm
 *     attest verify --implementation ./example_kernel.so
 *
 * It computes float32 and says so where it is asked for anything else. The layer is left out: its column `e2e` stays
 * empty, and the report says that it is not offered. */
#include <math.h>
#include <stdio.h>

#include "attest_implementation.h"

static int32_t unsupported(const DLTensor* x, attest_call* call) {
  if (x->dtype.code == kDLFloat && x->dtype.bits == 32) return 0;
  snprintf(call->message, call->message_capacity, "the example computes float32 only");
  return 1;
}

static int64_t elements(const DLTensor* x) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < x->ndim; ++axis) count *= x->shape[axis];
  return count;
}

/* The mask's value for one score: 0 or what it adds, -INFINITY where the key is hidden. */
static float mask_at(const attest_attention* in, int64_t sample, int64_t token, int64_t key) {
  if (in->is_causal) return key <= token ? 0.0f : -INFINITY;
  if (in->mask == NULL) return 0.0f;
  const int64_t* shape = in->mask->shape; /* [b|1, s_x|1, s_k|1] */
  const int64_t at = ((shape[0] == 1 ? 0 : sample) * shape[1] + (shape[1] == 1 ? 0 : token)) * shape[2];
  const int64_t index = at + (shape[2] == 1 ? 0 : key);
  if (in->mask->dtype.code == kDLUInt) return ((const uint8_t*)in->mask->data)[index] ? 0.0f : -INFINITY;
  return ((const float*)in->mask->data)[index];
}

/* One row: softmax over the keys it sees, with the largest score subtracted; zero if it sees none. */
static void attend(const attest_attention* in, int64_t sample, int64_t head, int64_t token) {
  const int64_t *q = in->q->shape, s_k = in->k->shape[2], h_d = q[3];
  const int64_t kv_head = head / (q[1] / in->k->shape[1]);
  const int64_t row = ((sample * q[1] + head) * q[2] + token) * h_d;
  const int64_t keys = (sample * in->k->shape[1] + kv_head) * s_k * h_d;
  float* out = (float*)in->out->data + row;
  float largest = -INFINITY, sum = 0.0f;
  for (int64_t i = 0; i < h_d; ++i) out[i] = 0.0f;
  for (int64_t j = 0; j < s_k; ++j) {
    const float hidden = mask_at(in, sample, token, j);
    if (hidden == -INFINITY) continue;
    float score = 0.0f;
    for (int64_t i = 0; i < h_d; ++i)
      score += ((const float*)in->q->data)[row + i] * ((const float*)in->k->data)[keys + j * h_d + i];
    score = score * (float)in->scale + hidden;
    const float before = largest;
    largest = fmaxf(largest, score);
    const float keep = before == largest ? 1.0f : expf(before - largest), weight = expf(score - largest);
    sum = sum * keep + weight;
    for (int64_t i = 0; i < h_d; ++i) out[i] = out[i] * keep + weight * ((const float*)in->v->data)[keys + j * h_d + i];
  }
  for (int64_t i = 0; i < h_d && sum > 0.0f; ++i) out[i] /= sum;
}

static int32_t attention(const attest_attention* in, attest_call* call) {
  if (unsupported(in->q, call)) return ATTEST_UNSUPPORTED;
  for (int64_t sample = 0; sample < in->q->shape[0]; ++sample)
    for (int64_t head = 0; head < in->q->shape[1]; ++head)
      for (int64_t token = 0; token < in->q->shape[2]; ++token) attend(in, sample, head, token);
  return ATTEST_DONE;
}

static int32_t linear(const attest_linear* in, attest_call* call) {
  if (unsupported(in->x, call)) return ATTEST_UNSUPPORTED;
  const int64_t columns = in->weight->shape[0], depth = in->weight->shape[1], rows = elements(in->x) / depth;
  for (int64_t at = 0; at < rows * columns; ++at) {
    const float* x = (const float*)in->x->data + at / columns * depth;
    const float* weight = (const float*)in->weight->data + at % columns * depth;
    float sum = 0.0f;
    for (int64_t i = 0; i < depth; ++i) sum += x[i] * weight[i];
    ((float*)in->out->data)[at] = sum + (in->bias ? ((const float*)in->bias->data)[at % columns] : 0.0f);
  }
  return ATTEST_DONE;
}

static int32_t norm(const attest_norm* in, attest_call* call) {
  if (unsupported(in->x, call)) return ATTEST_UNSUPPORTED;
  const int64_t h_d = in->scale->shape[0];
  for (int64_t at = 0; at < elements(in->x); at += h_d) {
    const float* x = (const float*)in->x->data + at;
    float sum = 0.0f;
    for (int64_t i = 0; i < h_d; ++i) sum += x[i] * x[i];
    const float factor = 1.0f / sqrtf(sum / (float)h_d + (float)in->eps);
    for (int64_t i = 0; i < h_d; ++i)
      ((float*)in->out->data)[at + i] = x[i] * factor * ((const float*)in->scale->data)[i];
  }
  return ATTEST_DONE;
}

const attest_implementation* attest_get_implementation(uint32_t abi_version, const char* option) {
  static const attest_implementation kExample = {
      .struct_size = sizeof kExample,
      .abi_version = ATTEST_ABI_VERSION,
      .claims = ATTEST_SAME_BITS_FOR_ANY_THREADS,
      .linear = linear,
      .norm = norm,
      .attention = attention,
  };
  return abi_version == ATTEST_ABI_VERSION && option[0] == '\0' ? &kExample : NULL;
}
