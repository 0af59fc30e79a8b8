#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <string>

#include "harness/isolation/call_arena.h"
#include "harness/isolation/call_message.h"
#include "harness/isolation/last_words.h"
#include "harness/isolation/library_call.h"
#include "harness/isolation/library_implementation.h"

/// A shared library in a worker process of its own, so that whatever it does ends as a sentence.
namespace attest::harness {

class IsolatedLibrary {
 public:
  /// Starts the worker. Throws InputError, with the reason, if the library cannot be used.
  IsolatedLibrary(std::filesystem::path library, std::string option, const Isolation& isolation);
  ~IsolatedLibrary();
  IsolatedLibrary(const IsolatedLibrary&) = delete;
  IsolatedLibrary& operator=(const IsolatedLibrary&) = delete;

  bool offers(const std::string& function) const { return offers_.contains(function); }

  /// Throws NoAnswer: skipped where the library declares a gap, failed for a crash, a time-out, an exit, a fault, a
  /// damaged canary, an error that it returned. The worker is started again for the next call where it is gone. Throws
  /// Interrupted if Ctrl-C comes first, which is nothing that the library did.
  LibraryAnswer call(CallArena& arena, int threads, Before before);

  const Declaration& declaration() const { return declaration_; }
  const Confinement& confinement() const { return confinement_; }
  std::string printed() const { return last_words_.lines(); }  ///< by the last call

 private:
  void start();
  void stop();
  std::string next_message();
  std::string how_it_ended();

  std::filesystem::path library_;
  std::string option_;
  Isolation isolation_;
  std::set<std::string> offers_;
  Declaration declaration_;
  Confinement confinement_;
  LastWords last_words_;
  int time_outs_ = 0;
  pid_t worker_ = -1;
  int socket_ = -1;
};

}  // namespace attest::harness
