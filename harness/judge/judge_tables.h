#pragma once

#include <vector>

#include "harness/judge/case_truth.h"
#include "harness/verdict/judgement.h"

namespace attest::harness {

/// The recorded rotary tables against what the configuration says, in torch's own rounding: everything else takes them
/// as inputs, and would agree on any numbers that stand there. One result, or none without a rotary embedding.
std::vector<Result> judge_tables(const JudgedCase& judged);

}  // namespace attest::harness
