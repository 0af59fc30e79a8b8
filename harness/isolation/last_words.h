#pragma once

#include <string>

namespace attest::harness {

/// Where a worker prints. A library's chatter is no report, but its last lines before a failure often say why.
class LastWords {
 public:
  LastWords();
  ~LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

  int descriptor() const { return file_; }  ///< for the worker's standard output and error
  void forget() const;                      ///< what was printed until now
  /// The last lines that are not blank, each in quotes and shortened, made printable; empty without one.
  std::string lines() const;

 private:
  int file_;  ///< in memory; appended to
};

}  // namespace attest::harness
