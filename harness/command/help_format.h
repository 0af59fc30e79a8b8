#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace attest::harness {

/// A line of help, "  attest verify --quiet    the last line only": its two halves are at least two blanks apart.
struct TermAndMeaning {
  std::string term;
  std::string meaning;  ///< or empty
};
TermAndMeaning halves_of(const std::string& line);

/// What --help shows, in 80 columns: "--shard I/N" and in its description "(default: 1/1)".
class HelpFormat : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_description(const CLI::App* command) const override;
  std::string make_footer(const CLI::App* command) const override;
};

}  // namespace attest::harness
