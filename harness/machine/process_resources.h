#pragma once

namespace attest::harness {

/// How many threads a call uses: OpenMP's number, which the optimized code is told. Results do not depend on it; times
/// do.
void set_threads(int count);
int threads();

/// Keeps freed memory in the process. A real layer allocates and frees hundreds of MiB many times over; asking the
/// operating system for cleared pages each time costs a fifth of a run.
void keep_freed_memory();

}  // namespace attest::harness
