#pragma once

#include <filesystem>

#include "harness/run/verify.h"
#include "harness/search/drawn_question.h"
#include "harness/search/replay_line.h"

/// Meeting a failure again.
namespace attest::harness {

/// Throws InputError for a draw whose parts do not fit together: a line is honoured as it stands, or refused.
Evidence replay(const LawLine& line);
LawVerdict replay(const QuestionsLine& line);

/// After the cases that go before, in the same process: the case's outcome with only the results that the line speaks
/// about. Throws InputError if there is none.
CaseOutcome replay(const RecordedLine& line, const std::filesystem::path& fixtures);

/// The case of the line's draw, as it stands. As a case file holds it: its truth is the C++ one, its provenance says
/// what it was drawn from.
Case exported_case(const LawLine& line);

}  // namespace attest::harness
