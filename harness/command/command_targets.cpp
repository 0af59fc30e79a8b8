#include <fmt/format.h>

#include <cstdlib>

#include "harness/command/commands.h"
#include "optimized/target.h"

namespace attest::harness {
namespace {

constexpr auto kTargetsFooter = R"(Examples:
  attest targets
  ATTEST_TARGET=avx2 attest targets        what would be chosen with that setting

Exit code: 0, or 2 if ATTEST_TARGET names a target that does not exist or cannot run here.)";

int show_targets() {
  const optimized::Target chosen = optimized::choose_target();
  const char* asked = std::getenv("ATTEST_TARGET");
  const bool by_user = asked != nullptr && *asked != '\0';
  fmt::print("{:<12} {:<8} {:<8} {}\n", "target", "compiled", "usable", "why");
  for (const auto& status : optimized::targets()) {
    fmt::print("{:<12} {:<8} {:<8} {}\n", name_of(status.target), "yes", status.usable ? "yes" : "no", status.reason);
  }
  fmt::print("\nchosen: {} ({})\n", name_of(chosen), by_user ? "ATTEST_TARGET asks for it" : "the fastest usable one");
  return 0;
}

}  // namespace

void add_targets(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      app.add_subcommand("targets", "Show the instruction-set targets: compiled, usable, chosen, and why");
  command->footer(kTargetsFooter);
  command->callback([&invocation] { invocation.exit_code = show_targets(); });
}

}  // namespace attest::harness
