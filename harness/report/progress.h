#pragma once

#include <chrono>
#include <string>

namespace attest::harness {

/// One line on standard error that says how far long work has come and how long it may still take:
///
///   [=======             ]  36 %  0:07 left  72/198 masks/bool_full
///
/// It is there only while somebody watches: where standard output and standard error are both terminals that can wipe a
/// line (TERM is not "dumb"), and not in a CI job that lends its commands a terminal (CI is set).
class Progress {
 public:
  /// `total` is the whole work, in any unit in which it takes time.
  explicit Progress(double total);
  ~Progress() { wipe(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(double done, const std::string& doing);
  /// Before anything else is printed.
  void wipe();

 private:
  double total_;
  bool watched_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_;
};

/// The line in at most `columns` characters. What is left follows from the `share` that is done after `seconds`; a
/// share of 0 tells nothing yet.
std::string progress_line(double share, double seconds, const std::string& doing, std::size_t columns);

}  // namespace attest::harness
