/* The example kernel, whose attention cheats as its option says: "last" gives the answer of the call before again,
 * "same shape" that of the first call of this shape, "wrong every N" a wrong one at each Nth call. */
#include <stdlib.h>
#include <string.h>

#define attest_get_implementation get_example
#include "harness/example_kernel.c"
#undef attest_get_implementation

enum { kMostRemembered = 1000 };

static char chosen[64];
static struct {
  int64_t shape[4];
  float* answer;
} remembered[kMostRemembered];
static int answers;

static size_t bytes_of(const int64_t* shape) {
  return (size_t)(shape[0] * shape[1] * shape[2] * shape[3]) * sizeof(float);
}

/* -1 if there is none. */
static int remembered_for(const int64_t* shape) {
  const int any = strcmp(chosen, "last") == 0;
  for (int i = any ? answers - 1 : 0; i >= 0 && i < answers; ++i)
    if (memcmp(remembered[i].shape, shape, sizeof remembered[i].shape) == 0) return i;
  return -1;
}

static void remember(const DLTensor* out) {
  if (answers == kMostRemembered) return;
  memcpy(remembered[answers].shape, out->shape, sizeof remembered[answers].shape);
  remembered[answers].answer = malloc(bytes_of(out->shape));
  memcpy(remembered[answers++].answer, out->data, bytes_of(out->shape));
}

static int32_t cheat(const attest_attention* in, attest_call* call) {
  static long calls = 0;
  const long period = strncmp(chosen, "wrong every ", 12) == 0 ? atol(chosen + 12) : 0;
  const int found = period == 0 && chosen[0] != '\0' ? remembered_for(in->out->shape) : -1;
  if (found >= 0) {
    memcpy(in->out->data, remembered[found].answer, bytes_of(in->out->shape));
    return ATTEST_DONE;
  }
  const int32_t status = attention(in, call);
  if (status == ATTEST_DONE) remember(in->out);
  if (status == ATTEST_DONE && period > 0 && ++calls % period == 0) ((float*)in->out->data)[0] += 1.0f;
  return status;
}

const attest_implementation* attest_get_implementation(uint32_t abi_version, const char* option) {
  static attest_implementation table;
  const attest_implementation* example = get_example(abi_version, "");
  if (example == NULL) return NULL;
  snprintf(chosen, sizeof chosen, "%s", option);
  table = *example;
  table.attention = cheat;
  return &table;
}
