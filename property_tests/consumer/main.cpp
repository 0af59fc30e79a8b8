#include <cstdio>

#include "harness/verify.h"

/// Judges one case file with everything that is installed; exit code 0 if it passed.
int main(int argc, char** argv) {
  using namespace attest::harness;
  if (argc != 2) return 2;
  const CaseOutcome outcome = verify_case(argv[1], line_up({}), {});
  std::printf("%s: %zu results\n", outcome.name.c_str(), outcome.results.size());
  return outcome.status == Status::passed ? 0 : 1;
}
