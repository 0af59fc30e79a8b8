#pragma once

#include <optional>
#include <string>
#include <variant>

#include "harness/judge/judgement.h"
#include "harness/laws/evidence.h"

/// The line that a failure prints, and that `attest replay` reads: key=value words. A value with spaces is quoted.
namespace attest::harness {

/// A law on a drawn case: law=decoding implementation=optimized/avx2 family=randn ... inputs=HEX outputs=HEX
struct LawLine {
  std::string law;
  std::string implementation;
  CaseDraw draw;
  std::optional<std::uint64_t> inputs, outputs;  ///< what they were when it failed
};

/// A result on a recorded case: case=NAME or FILE step=0 stage=attention mode=localised implementation=optimized/avx2
struct RecordedLine {
  std::string recorded;
  std::int64_t step = 0;
  std::string stage;
  std::string mode;
  std::string implementation;
};

using ReplayLine = std::variant<LawLine, RecordedLine>;

std::string to_line(const Evidence& evidence);
/// `recorded`: the case's name, or its file where it is not one of the fixtures.
std::string to_line(const Result& result, const std::string& recorded);

/// "attest replay '...'", for a shell.
std::string replay_command(std::string line);

/// Throws InputError for a line of neither kind.
ReplayLine replay_line(const std::string& text);

}  // namespace attest::harness
