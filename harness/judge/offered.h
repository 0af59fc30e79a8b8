#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/verdict/judgement.h"

/// What somebody under test offers to compute, by the functions of attest_implementation.h.
namespace attest::harness {

inline constexpr std::string_view kFunctions[] = {"linear", "rotary", "norm", "attention", "layer"};

/// The function that a result is about; empty for one about the run itself or about words.
std::string_view function_of(const Result& result);

/// So much of a function has to be judged: what is declared a gap, or not offered at all, is not.
struct Demand {
  std::string_view function;
  double share = 1.0;
};

/// "attention,layer:80": all results about attention, 80 % of those about the layer. Throws InputError.
std::vector<Demand> demands_from_text(const std::string& list);

/// Counts for and against a demand, one result at a time.
class Demanded {
 public:
  Demanded(const Demand& demand, Judged judged) : demand_(demand), judged_(std::move(judged)) {}

  void count(const Result& result);
  /// A failed result that says what is missing; none where the demand is met.
  std::vector<Result> verdict() const;

 private:
  Demand demand_;
  Judged judged_;
  std::size_t done_ = 0, gaps_ = 0;
};

}  // namespace attest::harness
