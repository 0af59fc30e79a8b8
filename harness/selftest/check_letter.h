#pragma once

#include <string_view>

namespace attest::harness {

/// A check by its name (harness/selftest/selftest.h) in the cells of the kill matrix.
inline char letter_of_check(std::string_view check) {
  if (check == "call") return 'C';
  if (check == "stage") return 'S';
  return check == "exact" ? 'X' : 'E';
}

}  // namespace attest::harness
