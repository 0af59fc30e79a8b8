#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/judge/judgement.h"

/// What somebody under test offers to compute, by the functions of attest_implementation.h.
namespace attest::harness {

inline constexpr std::string_view kFunctions[] = {"linear", "rotary", "norm", "attention", "layer"};

/// The function that a result is about; empty for one about the run itself or about words.
std::string_view function_of(const Result& result);

/// Functions that must not be left out: "attention,layer". Throws InputError for an unknown one.
std::set<std::string, std::less<>> required_functions(const std::string& list);

/// Turns gaps in these functions into failures.
void demand(std::vector<Result>& results, const std::set<std::string, std::less<>>& required);

}  // namespace attest::harness
