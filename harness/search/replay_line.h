#pragma once

#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "harness/laws/evidence.h"
#include "harness/verdict/judgement.h"

/// The line that a failure prints, and that `attest replay` reads: key=value words. A value with spaces is quoted.
namespace attest::harness {

/// A draw, and the fields that its line names: these are honoured as they stand, the others may be fitted to them.
struct NamedDraw {
  CaseDraw draw;
  std::set<std::string, std::less<>> named;
};

/// A law on a drawn case: law=decoding implementation=optimized/avx2 family=randn ... inputs=HEX outputs=HEX
struct LawLine {
  std::string law;
  std::string implementation;
  NamedDraw draw;
  std::optional<std::uint64_t> inputs, outputs;  ///< what they were when it failed
};

/// A result on a recorded case: case=NAME or FILE step=0 stage=attention mode=localised implementation=optimized/avx2
struct RecordedLine {
  std::string recorded;
  std::int64_t step = 0;
  std::string stage;
  std::string mode;
  std::string implementation;
  std::vector<std::string> after;  ///< names or files of cases that go before, in the same process
};

/// Drawn questions in order, of which the last one is judged: implementation=./k.so law=truth b=2 s_x=5 then
/// law=decoding s_x=3
struct QuestionsLine {
  struct Question {
    std::string law;
    NamedDraw draw;
  };
  std::string implementation;
  std::vector<Question> questions;
};

using ReplayLine = std::variant<LawLine, RecordedLine, QuestionsLine>;

/// A value as it stands in a line: quoted where it has a space.
std::string in_line(const std::string& value);

std::string to_line(const Evidence& evidence);
/// `recorded`: the case's name, or its file where it is not one of the fixtures; `after`: what has to go before.
std::string to_line(const Result& result, const std::string& recorded, const std::vector<std::string>& after = {});

/// "attest replay '...'", for a shell.
std::string replay_command(std::string line);

/// Throws InputError for a line of no kind.
ReplayLine replay_line(const std::string& text);

}  // namespace attest::harness
