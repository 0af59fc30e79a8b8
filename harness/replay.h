#pragma once

#include <filesystem>
#include <memory>

#include "harness/replay_line.h"
#include "harness/verify.h"

/// Meeting a failure again.
namespace attest::harness {

/// "reference", "optimized/avx2", "./k.so#OPTION". Throws InputError for a name that is not known or not usable here.
std::unique_ptr<Implementation> implementation_from_label(const std::string& label);

Evidence replay(const LawLine& line);

/// The case's outcome with only the results that the line speaks about. Throws InputError if there is none.
CaseOutcome replay(const RecordedLine& line, const std::filesystem::path& fixtures);

/// The drawn case as a case file holds it: its truth is the C++ one, its provenance says what it was drawn from.
Case exported_case(const CaseDraw& draw);

}  // namespace attest::harness
