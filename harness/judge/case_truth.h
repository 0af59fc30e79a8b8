#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "fixtures/case.h"
#include "fixtures/family.h"
#include "harness/verdict/judgement.h"
#include "harness/verdict/recorded_stages.h"
#include "reference/truth.h"

namespace attest::harness {

using StageTruths = std::map<Stage, reference::StageTruth>;

/// Everything that one step is judged against. All empty for a step in which torchtune raised.
struct StepTruth {
  std::unique_ptr<RecordedStages> recorded;
  StageTruths localised;                   ///< each stage on its recorded inputs
  std::optional<Sensitivity> sensitivity;  ///< of the attention alone, if there is one
  StageTruths end_to_end;                  ///< each stage of the chain from x, with propagated budgets
};

/// A case with its truths and budgets, computed once and shared by all implementations.
struct JudgedCase {
  const Case& item;
  const Family& family;
  std::vector<StepTruth> steps;
  std::uint64_t inputs_fingerprint = 0;  ///< harness/judge/input_guard.h, before anybody ran
};

/// By the budget of those who store their scores in this. `item` must outlive the result.
JudgedCase with_truths(const Case& item, reference::ScoreStorage scores = reference::ScoreStorage::float32);

/// The error in which constructing this case's layer must end, or null.
const RaisedError* constructor_error(const Case& item);

}  // namespace attest::harness
