#pragma once

namespace attest::harness {

/// Threads of OpenMP (optimized) and of OpenBLAS (reference). Results do not depend on them; times do.
void set_threads(int count);
int threads();

}  // namespace attest::harness
