/* The example kernel with scores that are stored in 16 bits. Its option is of words: "bfloat16" or "float16", which it
 * stores them in and declares; "silent" where it does not declare that; "declares float16" where that is not what it
 * stores; and a fault besides: "tiled" (the wrong key/value head), "dropped" (the last key left out). */
#include <string.h>

#define attest_get_implementation get_example
#include "harness/example_kernel.c"
#undef attest_get_implementation

static char chosen[64];
static int has(const char* word) { return strstr(chosen, word) != NULL; }

__extension__ typedef _Float16 half;

static float stored(float score) {
  if (has("float16") && !has("bfloat16")) return (float)(half)score;
  uint32_t bits;
  memcpy(&bits, &score, sizeof bits);
  bits = (bits + 0x7FFFu + ((bits >> 16) & 1u)) & 0xFFFF0000u;
  memcpy(&score, &bits, sizeof bits);
  return score;
}

static float score_of(const attest_attention* in, const float* query, const float* key, float hidden) {
  float score = 0.0f;
  for (int64_t i = 0; i < in->q->shape[3]; ++i) score += query[i] * key[i];
  score = stored(score * (float)in->scale);
  return hidden == 0.0f ? score : stored(score + hidden);
}

static void attend_in_16_bits(const attest_attention* in, int64_t sample, int64_t head, int64_t token) {
  const int64_t *q = in->q->shape, s_k = in->k->shape[2], h_d = q[3], n_kv = in->k->shape[1];
  const int64_t kv_head = has("tiled") ? head % n_kv : head / (q[1] / n_kv);
  const int64_t row = ((sample * q[1] + head) * q[2] + token) * h_d, keys = (sample * n_kv + kv_head) * s_k * h_d;
  const float *query = (const float*)in->q->data + row, *k = (const float*)in->k->data + keys,
              *v = (const float*)in->v->data + keys;
  float *out = (float*)in->out->data + row, largest = -INFINITY, sum = 0.0f;
  const int64_t seen = has("dropped") ? s_k - 1 : s_k;
  for (int64_t i = 0; i < h_d; ++i) out[i] = 0.0f;
  for (int64_t j = 0; j < seen; ++j) {
    const float hidden = mask_at(in, sample, token, j);
    if (hidden == -INFINITY) continue;
    const float score = score_of(in, query, k + j * h_d, hidden), before = largest;
    largest = fmaxf(largest, score);
    const float keep = before == largest ? 1.0f : expf(before - largest), weight = expf(score - largest);
    sum = sum * keep + weight;
    for (int64_t i = 0; i < h_d; ++i) out[i] = out[i] * keep + weight * v[j * h_d + i];
  }
  for (int64_t i = 0; i < h_d && sum > 0.0f; ++i) out[i] /= sum;
}

static int32_t attention_in_16_bits(const attest_attention* in, attest_call* call) {
  if (unsupported(in->q, call)) return ATTEST_UNSUPPORTED;
  for (int64_t sample = 0; sample < in->q->shape[0]; ++sample)
    for (int64_t head = 0; head < in->q->shape[1]; ++head)
      for (int64_t token = 0; token < in->q->shape[2]; ++token) attend_in_16_bits(in, sample, head, token);
  return ATTEST_DONE;
}

const attest_implementation* attest_get_implementation(uint32_t abi_version, const char* option) {
  static attest_implementation table;
  const attest_implementation* example = get_example(abi_version, "");
  if (example == NULL) return NULL;
  snprintf(chosen, sizeof chosen, "%s", option);
  table = *example;
  table.attention = attention_in_16_bits;
  table.score_storage = has("silent")     ? ATTEST_SCORES_FLOAT32
                        : has("bfloat16") && !has("declares float16") ? ATTEST_SCORES_BFLOAT16
                                          : ATTEST_SCORES_FLOAT16;
  return &table;
}
