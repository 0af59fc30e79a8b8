#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "harness/isolation/isolated_library.h"

namespace attest::harness {

class PlacedCall;

/// A library, asked as the judge wants it: a small call is made in several conditions, its claims are put to the test.
class QuestionedLibrary {
 public:
  explicit QuestionedLibrary(std::unique_ptr<IsolatedLibrary> library) : library_(std::move(library)) {}

  LibraryAnswer answer(const LibraryCall& call);

  bool turn();                    ///< Implementation::turn_to_other_answers
  std::string condition() const;  ///< Implementation::condition_of_answers

  const IsolatedLibrary& library() const { return *library_; }

 private:
  LibraryAnswer answer_in(std::size_t condition, PlacedCall& placed);
  LibraryAnswer answer_of_turn(const LibraryCall& call);
  void keep(std::size_t condition, const LibraryCall& call, LibraryAnswer answer);
  void check_claims(PlacedCall& placed, const LibraryAnswer& answer);

  static constexpr std::size_t kMostKept = 64;  ///< answers of at most 4 MiB, or once in a while of a large call

  std::unique_ptr<IsolatedLibrary> library_;
  std::size_t turn_ = 0;  ///< which condition's answers are given
  /// By condition and call, those that differed from the first condition's.
  std::map<std::pair<std::size_t, std::size_t>, LibraryAnswer> different_;
  std::set<int> several_;  ///< the numbers of threads that calls got whose answers differed
};

}  // namespace attest::harness
