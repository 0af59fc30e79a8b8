/* An attention that is right for equal values of 0.5, and goes wrong in the way that its option names where there is
 * one query token; with more, it does what it should. */
#define _GNU_SOURCE
#include <emmintrin.h>
#include <fcntl.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
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

static void wait_for_ever(void) {
  for (;;) pause();
}

static void end_the_process(void) {
  if (is("crash")) *nowhere = 1;
  if (is("hang"))
    for (;;) pause();
  if (is("spin"))
    for (;;) sink = 0.0f;
  if (is("exit")) exit(3);
  if (is("hang_at_exit") && atexit(wait_for_ever) == 0) exit(0);
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

/* What no kernel needs. Each is refused, and the process ends there. */
static void leave_the_process(void) {
  char byte = 0;
  struct iovec here = {&byte, 1}, there = {&byte, 1};
  if (is("open_a_file")) close(open("/etc/passwd", O_RDONLY));
  if (is("write_a_file")) fopen("answers_of_a_cheat", "w");
  if (is("open_its_own_memory_file")) memfd_create("answers", 0);
  if (is("fork")) fork();
  if (is("run_a_program") && system("true") != 0) abort();
  if (is("kill_the_parent")) kill(getppid(), SIGKILL);
  if (is("trace_the_parent")) ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
  if (is("read_the_parent")) process_vm_readv(getppid(), &here, 1, &there, 1, 0);
  if (is("open_a_socket")) socket(AF_INET, SOCK_STREAM, 0);
  if (is("leave_its_group")) setsid();
  if (is("change_the_folder") && chdir("/") != 0) abort();
}

/* Neither by a descriptor that it found open nor through the memory of the harness. */
static int opens_the_memory_of_the_harness(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/mem", (int)getppid());
  return open(path, O_RDONLY) >= 0;
}
static int finds_a_descriptor(void) {
  for (int file = 4; file < 1024; ++file)
    if (fcntl(file, F_GETFD) != -1) return 1;
  return 0;
}

/* A C library asks such things, and does without an answer. */
static void ask_about_the_machine(void) {
  if (open("/proc/cpuinfo", O_RDONLY) >= 0 || open("/sys/devices/system/cpu/online", O_RDONLY) >= 0) abort();
}

static void* no_work(void* nothing) { return nothing; }
static void use_a_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, no_work, NULL) != 0 || pthread_join(thread, NULL) != 0) abort();
}

static void* write_on_and_on(void* output) {
  for (;;) *(volatile float*)output = 0.5f;
  return NULL;
}
static void write_after_the_return(const attest_attention* in) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, write_on_and_on, values(in->out)) != 0) abort();
  pthread_detach(thread);
}

static void ignore(int signal) { (void)signal; }

/* What a caller relies on. */
static void leave_something_changed(const attest_attention* in) {
  sigset_t some;
  struct rlimit limit = {100, 100};
  if (is("change_the_rounding")) fesetround(FE_UPWARD);
  if (is("flush_to_zero")) _mm_setcsr(_mm_getcsr() | 0x8000);
  if (is("denormals_are_zero")) _mm_setcsr(_mm_getcsr() | 0x0040);
  if (is("block_a_signal")) {
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigprocmask(SIG_BLOCK, &some, NULL);
  }
  if (is("change_the_mask_of_new_files")) umask(0);
  if (is("handle_a_signal")) signal(SIGUSR1, ignore);
  if (is("lower_a_limit")) setrlimit(RLIMIT_NOFILE, &limit);
  if (is("change_the_scale")) ((attest_attention*)in)->scale = 2.0;
  if (is("change_a_shape")) in->k->shape[0] = 2;
  if (is("change_a_pointer")) ((DLTensor*)in->q)->data = in->out->data;
}

/* Of memory that the library may only read. */
static void make_writable_and_change(const DLTensor* x) {
  const uintptr_t page = (uintptr_t)x->data & ~(uintptr_t)4095;
  mprotect((void*)page, 4096, PROT_READ | PROT_WRITE);
  write_at(x, 0);
}

/* In assembly, as a compiler that sees only one of the four floats used would read only that one. */
static void read_aligned(const float* from) {
  __m128 four;
  __asm__ volatile("movaps %1, %0" : "=x"(four) : "m"(*(const __m128*)from));
  sink = _mm_cvtss_f32(four);
}

static void leave_the_buffers(const attest_attention* in) {
  if (is("read_past_the_end")) read_at(in->v, elements(in->v));
  if (is("read_a_page_past_the_end")) read_at(in->v, elements(in->v) + 2000);
  if (is("read_before_the_beginning")) read_at(in->k, -1);
  if (is("write_past_the_end")) write_at(in->out, elements(in->out));
  if (is("write_before_the_beginning")) write_at(in->out, -1);
  if (is("change_an_input")) write_at(in->q, 0);
  if (is("make_an_input_writable")) make_writable_and_change(in->q);
  if (is("map_the_output_twice") && mremap(in->out->data, 0, 4096, MREMAP_MAYMOVE) == MAP_FAILED) abort();
  if (is("read_aligned")) read_aligned(values(in->v) + 1);
}

static void chatter(attest_call* call) {
  if (is("write_to_standard_output")) {
    printf("{\"status\": 0}\n%s", "all tests passed\n");
    fflush(stdout);
    fprintf(stderr, "attest: all is well\n");
  }
  if (is("say_why")) fprintf(stderr, "row 0\nrow 1\n\nthe sum is 3.5\nso it goes\n");
  if (is("print_without_end"))
    for (int i = 0; i < 10000; ++i) fprintf(stderr, "%0500d\n", i);
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
  leave_the_process();
  if (is("ask_about_the_machine")) ask_about_the_machine();
  if (is("open_the_memory_of_the_harness") && opens_the_memory_of_the_harness()) abort();
  if (is("use_a_descriptor_that_was_open") && finds_a_descriptor()) abort();
  if (is("use_a_thread")) use_a_thread();
  leave_the_buffers(in);
  chatter(call);
  if (is("return_an_error_in_latin_1")) return say(call, ATTEST_FAILED, "zu gro\xdf");
  if (is("return_an_error")) return say(call, ATTEST_FAILED, "out of\nluck");
  if (is("unsupported")) return say(call, ATTEST_UNSUPPORTED, "no attention today");
  if (is("message_without_end")) return ATTEST_FAILED;
  if (is("return_nonsense")) return 42;
  const int large = elements(in->out) > 1000000, at_the_end = (((uintptr_t)(values(in->out) + elements(in->out))) & 4095) == 0;
  const int at_a_page = ((uintptr_t)in->out->data & 4095) == 0;
  fill(in,
       is("wrong_at_a_page") && at_a_page ? 7.0f
       : is("claim_too_much")             ? (float)call->num_threads
       : is("read_the_old_output") && values(in->out)[0] > 0.0f ? values(in->out)[0]
       : is("wrong_with_several_threads") && call->num_threads > 2 ? 7.0f
       : is("wrong_where_large") && large && !at_the_end ? 7.0f
                                          : 0.5f,
       elements(in->out) - (is("leave_a_row_unwritten") ? in->out->shape[3] : 0));
  if (is("write_after_the_return")) write_after_the_return(in);
  leave_something_changed(in);
  return ATTEST_DONE;
}

static int32_t attention(const attest_attention* in, attest_call* call) {
  if (in->q->shape[2] == 1) return misbehave(in, call);
  fill(in, 0.5f, elements(in->out));
  return ATTEST_DONE;
}

/* The file that the test names in the environment. */
static int opens_the_secret(int how) { return open(getenv("SECRET"), how) >= 0; }

const attest_implementation* attest_get_implementation(uint32_t abi_version, const char* option) {
  static attest_implementation table = {.struct_size = sizeof table, .attention = attention};
  snprintf(chosen, sizeof chosen, "%s", option);
  table.abi_version = is("other_version") ? abi_version + 1 : abi_version;
  table.claims = ATTEST_SAME_BITS_FOR_ANY_THREADS;
  if (is("small_struct")) table.struct_size = sizeof(size_t);
  if (is("no_function")) table.attention = NULL;
  if (is("crash_at_load")) abort();
  if (is("read_at_load") && !opens_the_secret(O_RDONLY)) table.attention = NULL;
  if (is("write_at_load") && !opens_the_secret(O_WRONLY)) table.attention = NULL;
  if (is("open_the_harness_at_load") && !opens_the_memory_of_the_harness()) table.attention = NULL;
  if (is("fork_at_load")) fork();
  if (is("share_memory_at_load")) mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (is("declare_bfloat16_scores")) table.score_storage = ATTEST_SCORES_BFLOAT16;
  if (is("declare_nonsense")) table.score_storage = 17;
  if (is("declare_arithmetic"))
    table.arithmetic = ATTEST_SUMS_BFLOAT16 | ATTEST_PRODUCTS_TF32 | ATTEST_FLUSHES_SUBNORMALS;
  if (is("declare_float16")) table.features = ATTEST_FLOAT16;
  if (is("declare_float64_sums")) table.arithmetic = ATTEST_SUMS_FLOAT64;
  if (is("declare_two_kinds_of_sums")) table.arithmetic = ATTEST_SUMS_BFLOAT16 | ATTEST_SUMS_FLOAT64;
  if (is("declare_arithmetic_to_come")) table.arithmetic = UINT64_C(1) << 40;
  if (is("declare_beyond_its_size")) {
    table.arithmetic = ATTEST_SUMS_BFLOAT16;
    table.struct_size = offsetof(attest_implementation, arithmetic);
  }
  if (is("interrupt_at_load")) interrupt_the_harness();
  return is("unknown_option") ? NULL : &table;
}
