#pragma once

#include "fixtures/case.h"

namespace attest::property_tests {

/// Makes the case's calls with the reference and with the optimized code of this machine, whose kernels check nothing:
/// what a case file may hold, they must survive. Throws InputError if a call without a recorded error is refused.
void make_forward_calls(const Case& item);

}  // namespace attest::property_tests
