#pragma once

#include <string>

namespace attest::harness {

/// Where a worker prints. A library's chatter is no report, but its last line before a crash often says why.
class LastWords {
 public:
  LastWords();
  ~LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

  int descriptor() const { return file_; }  ///< for the worker's standard output and error
  void forget() const;                      ///< what was printed until now
  std::string line() const;                 ///< the last line that is not blank, shortened; empty without one

 private:
  int file_;  ///< in memory; appended to
};

}  // namespace attest::harness
