#pragma once

#include <string>
#include <vector>

#include "harness/judge/implementation.h"
#include "harness/laws/laws.h"

/// What is asked of an implementation in one line.
namespace attest::harness {

struct DrawnQuestion {
  const Law* law = nullptr;
  CaseDraw draw;  ///< that the law speaks about, valid
};

LawVerdict ask(const DrawnQuestion& question, const Implementation& implementation);

/// Questions in order, of which the last one is judged: "implementation=X law=Y s_x=2 ... then law=Z s_x=3 ...".
std::string to_line(const std::vector<DrawnQuestion>& questions, const std::string& implementation);

}  // namespace attest::harness
