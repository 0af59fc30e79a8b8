/* The example kernel, compiled with this folder's header. Its table lies in memory that was used before: what its
 * struct_size does not cover holds anything, and so does the padding behind its last member. */
#include <string.h>

#define attest_get_implementation get_example
#include "kernel.c"
#undef attest_get_implementation

const attest_implementation* attest_get_implementation(uint32_t abi_version, const char* option) {
  static union {
    attest_implementation table;
    unsigned char bytes[4 * sizeof(attest_implementation)];
  } memory;
  const attest_implementation* example = get_example(abi_version, option);
  if (example == NULL) return NULL;
  memset(&memory, 0xA5, sizeof memory);
  memcpy(&memory, example, offsetof(attest_implementation, score_storage) + sizeof example->score_storage);
  return &memory.table;
}
