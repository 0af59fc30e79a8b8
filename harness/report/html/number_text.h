#pragma once

#include <string>

/// Numbers as the pages write them.
namespace attest::harness {

/// A share of the error budget: "0.44", "8e-03", "2e+06", "∞".
std::string e_text(double e);
/// Seconds as milliseconds: "0.012", "3.14", "1234".
std::string milliseconds_text(double seconds);

/// Milliseconds, or microseconds where a whole is shorter than one of them.
struct TimeUnit {
  std::string name;
  double seconds;

  std::string text(double time) const;
};
TimeUnit unit_for(double whole);

/// A share: "44.0 %".
std::string percent_text(double share);
/// A FLOP/s or a FLOP count in units of 10^9.
std::string giga_text(double value);

}  // namespace attest::harness
