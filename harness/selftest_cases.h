#pragma once

#include <memory>
#include <vector>

#include "harness/case_truth.h"
#include "harness/drawn_case.h"

/// The cases that planted bugs are tried on: small ones of every family that can be drawn.
namespace attest::harness {

struct SelftestCase {
  explicit SelftestCase(const CaseDraw& valid) : draw(valid), item(drawn_case(valid)), judged(with_truths(item)) {}
  SelftestCase(const SelftestCase&) = delete;  // `judged` refers to `item`
  SelftestCase& operator=(const SelftestCase&) = delete;

  CaseDraw draw;
  Case item;
  JudgedCase judged;
};

/// By family, in the order of drawn_families().
std::vector<std::unique_ptr<SelftestCase>> selftest_cases();

}  // namespace attest::harness
