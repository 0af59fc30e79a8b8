#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/machine/fingerprint.h"
#include "harness/report/terminal_style.h"
#include "harness/run/run.h"
#include "harness/verdict/judgement.h"

/// The table of `attest verify`: one line a case, and for each implementation the worst e of its stages alone and of
/// the whole layer end to end; where these do not fit into a terminal's line, for all of them together. Functions
/// return text that ends in a newline; nothing here prints.
namespace attest::harness {

class TerminalTable {
 public:
  /// `columns` is how long a line may be; nothing: as long as it needs.
  TerminalTable(const std::vector<Judged>& judged, std::size_t name_width, std::optional<std::size_t> columns,
                TerminalStyle style);

  std::string heading(const Fingerprint& fingerprint, std::size_t cases) const;
  std::string row(const CaseOutcome& outcome) const;
  /// --verbose: one line for each result.
  std::string details(const CaseOutcome& outcome) const;

 private:
  using Group = std::vector<Judged>;  ///< who share a column
  std::string cell(const CaseOutcome& outcome, const Group& judged) const;
  std::size_t width() const;

  std::vector<Judged> judged_;
  std::vector<Group> groups_;
  std::size_t name_width_;
  TerminalStyle style_;
};

/// Enough for the name of every one of these cases.
std::size_t name_width(const std::vector<std::filesystem::path>& case_files);

/// An e in five characters: "0.31", "4e-03", "inf".
std::string short_e(double e);

/// The e of each mutation: "dropped key 4e+05 (100 % of the keys), swapped heads 2e+06, scale 0.05".
std::string sensitivity_text(const Sensitivity& sensitivity);

/// A status in its colour, padded to `width`.
std::string painted_status(Status status, const TerminalStyle& style, std::size_t width = 0);

}  // namespace attest::harness
