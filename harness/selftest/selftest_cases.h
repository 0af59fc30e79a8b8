#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/judge/case_truth.h"

/// The cases that planted bugs are tried on.
namespace attest::harness {

struct SelftestCase {
  SelftestCase(std::string its_line, Case its_case)
      : line(std::move(its_line)), item(std::move(its_case)), judged(with_truths(item)) {}
  SelftestCase(const SelftestCase&) = delete;  // `judged` refers to `item`
  SelftestCase& operator=(const SelftestCase&) = delete;

  std::string line;  ///< a draw, as harness/draw/draw_line.h writes it; or the name of a recorded case
  Case item;
  JudgedCase judged;
};

/// Small ones of every family that can be drawn, and a few recorded ones for what no draw has.
std::vector<std::unique_ptr<SelftestCase>> selftest_cases(const std::filesystem::path& fixtures);

}  // namespace attest::harness
