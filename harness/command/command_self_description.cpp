#include <fmt/format.h>

#include <memory>

#include "harness/command/commands.h"
#include "harness/command/completion.h"
#include "harness/command/manual.h"

/// What the build and the shells ask the program about itself; not in its help.
namespace attest::harness {

void add_manual(CLI::App& app) {
  CLI::App* command = app.add_subcommand("manual", "Prints the manual page");
  command->group("");
  command->callback([&app] { fmt::print("{}", manual_page(app, ATTEST_VERSION)); });
}

void add_complete(CLI::App& app) {
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand("complete", "Prints what may come next: a word, a tab, what it means");
  command->group("");
  command->add_option("WORD", *words, "The words so far, after --");
  command->callback([&app, words] {
    for (const auto& [word, description] : completions(app, *words)) fmt::print("{}\t{}\n", word, description);
  });
}

}  // namespace attest::harness
