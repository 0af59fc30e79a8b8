#pragma once

#include <functional>

#include "fixtures/case.h"
#include "harness/judge/judge_stage.h"

namespace attest::harness {

/// torchtune raised; `act` (the constructor or forward) must throw InputError with the recorded field, and every number
/// of a torchtune ValueError must occur in ours. That nothing changed is judged by the steps that follow.
Result judge_error(const Question& question, const RaisedError& recorded, const std::function<void()>& act);

/// The numbers of a message that `ours` lacks, as written: {"4", "0.5"}.
std::vector<std::string> missing_numbers(const std::string& message, const std::string& ours);

}  // namespace attest::harness
