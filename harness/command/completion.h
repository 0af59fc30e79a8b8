#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// What may come next on the command line: the shells' completion functions (completion/) ask `attest complete`, so
/// that they know every command, option and value that the program itself knows.
namespace attest::harness {

struct Completion {
  std::string word;
  std::string description;  ///< may be empty
};

/// `words` are those after the program's name; the last one is being typed and may be empty. Empty where only a file's
/// name can follow: the shells complete those themselves.
std::vector<Completion> completions(const CLI::App& program, const std::vector<std::string>& words);

}  // namespace attest::harness
