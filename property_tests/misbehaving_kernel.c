/* An attention that is right for equal values of 0.5, and goes wrong in the way that its option names where there is
 * one query token; with more, it does what it should. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/attest_implementation.h"

static char chosen[64];

static int is(const char* option) { return strcmp(chosen, option) == 0; }

static int64_t elements(const DLTensor* x) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < x->ndim; ++axis) count *= x->shape[axis];
  return count;
}

/* Volatile: the compiler may not leave out what nobody needs. */
static volatile float sink;
static float* values(const DLTensor* x) { return (float*)x->data; }
static void read_at(const DLTensor* x, int64_t index) { sink = *(volatile float*)(values(x) + index); }
static void write_at(const DLTensor* x, int64_t index) { *(volatile float*)(values(x) + index) = 1.0f; }

/* Through a volatile pointer, which no compiler sees through. */
static int overflow(int depth);
static int (*volatile deeper)(int) = overflow;
static int overflow(int depth) {
  volatile char block[4096];
  block[0] = (char)depth;
  return deeper(depth + 1) + block[0];
}
static int* volatile nowhere;

/* As a user does who gives up waiting for this call. */
static void interrupt_the_harness(void) {
  kill(getppid(), SIGINT);
  for (;;) pause();
}

static void end_the_process(void) {
  if (is("crash")) *nowhere = 1;
  if (is("hang"))
    for (;;) pause();
  if (is("spin"))
    for (;;) sink = 0.0f;
  if (is("exit")) exit(3);
  if (is("exit_with_success")) exit(0);
  if (is("abort")) abort();
  if (is("interrupt")) interrupt_the_harness();
  if (is("complain_and_abort")) {
    fputs("kernel.c:7: assertion failed: n_h % n_kv == 0\n\n", stderr);
    abort();
  }
  if (is("kill")) raise(SIGKILL);
  if (is("close_everything"))
    for (int file = 0; file < 64; ++file) close(file);
  if (is("stack_overflow")) sink = (float)overflow(0);
}

static void leave_the_buffers(const attest_attention* in) {
  if (is("read_past_the_end")) read_at(in->v, elements(in->v));
  if (is("read_a_page_past_the_end")) read_at(in->v, elements(in->v) + 2000);
  if (is("read_before_the_beginning")) read_at(in->k, -1);
  if (is("write_past_the_end")) write_at(in->out, elements(in->out));
  if (is("write_before_the_beginning")) write_at(in->out, -1);
  if (is("change_an_input")) write_at(in->q, 0);
}

static void chatter(attest_call* call) {
  if (is("write_to_standard_output")) {
    printf("{\"status\": 0}\n%s", "all tests passed\n");
    fflush(stdout);
    fprintf(stderr, "attest: all is well\n");
  }
  if (is("write_to_the_channel") && write(3, "nonsense", 8) != 8) abort();
  if (is("message_without_end")) memset(call->message, 'x', call->message_capacity);
}

static void fill(const attest_attention* in, float value, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values(in->out)[i] = value;
}

static int32_t say(attest_call* call, int32_t status, const char* sentence) {
  snprintf(call->message, call->message_capacity, "%s", sentence);
  return status;
}

static int32_t misbehave(const attest_attention* in, attest_call* call) {
  end_the_process();
  leave_the_buffers(in);
  chatter(call);
  if (is("return_an_error_in_latin_1")) return say(call, ATTEST_FAILED, "zu gro\xdf");
  if (is("return_an_error")) return say(call, ATTEST_FAILED, "out of\nluck");
  if (is("unsupported")) return say(call, ATTEST_UNSUPPORTED, "no attention today");
  if (is("message_without_end")) return ATTEST_FAILED;
  if (is("return_nonsense")) return 42;
  const int at_a_page = ((uintptr_t)in->out->data & 4095) == 0;
  fill(in,
       is("wrong_at_a_page") && at_a_page ? 7.0f
       : is("claim_too_much")             ? (float)call->num_threads
                                          : 0.5f,
       elements(in->out) - (is("leave_a_row_unwritten") ? in->out->shape[3] : 0));
  return ATTEST_DONE;
}

static int32_t attention(const attest_attention* in, attest_call* call) {
  if (in->q->shape[2] == 1) return misbehave(in, call);
  fill(in, 0.5f, elements(in->out));
  return ATTEST_DONE;
}

const attest_implementation* attest_get_implementation(uint32_t abi_version, const char* option) {
  static attest_implementation table = {.struct_size = sizeof table, .attention = attention};
  snprintf(chosen, sizeof chosen, "%s", option);
  table.abi_version = is("other_version") ? abi_version + 1 : abi_version;
  table.claims = ATTEST_SAME_BITS_FOR_ANY_THREADS;
  if (is("small_struct")) table.struct_size = sizeof(size_t);
  if (is("no_function")) table.attention = NULL;
  if (is("crash_at_load")) abort();
  if (is("interrupt_at_load")) interrupt_the_harness();
  return is("unknown_option") ? NULL : &table;
}
