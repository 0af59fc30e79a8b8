#include <fmt/format.h>

#include <memory>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "fixtures/overloaded.h"
#include "harness/command/commands.h"
#include "harness/command/exit_codes.h"
#include "harness/report/terminal_summary.h"
#include "harness/report/terminal_table.h"
#include "harness/run/replay.h"
#include "harness/run/selection.h"

namespace attest::harness {
namespace {

struct ReplayOptions {
  std::string line;
  std::string export_file;
  std::string fixtures;
};

constexpr auto kReplayFooter = R"(Examples:
  attest replay 'law=decoding implementation=optimized/avx2 s_x=2 keys=cache mask=causal'
  attest replay 'case=masks/bool_full step=0 stage=attention mode=localised implementation=reference'
  attest replay 'implementation=./k.so law=truth s_x=65 then law=truth s_x=3'    the second, after the first
  attest replay 'law=truth implementation=reference family=rare_key s_x=9' --export rare.h5

An exported case holds the float reference's stages; scripts/regenerate --from FILE asks torchtune itself.

Exit code: 0 it passes (or is skipped with a reason), 1 it fails, 2 a usage or input error.)";

std::string compared(const char* what, std::uint64_t now, const std::optional<std::uint64_t>& then) {
  if (!then) return fmt::format("{} {:016x}", what, now);
  return *then == now ? fmt::format("{} {:016x}, the same", what, now)
                      : fmt::format("{} {:016x}, not the line's {:016x}", what, now, *then);
}

int replay_law(const LawLine& line) {
  const Evidence evidence = replay(line);
  const auto& [status, e, message] = evidence.verdict;
  fmt::print("{}: {} ({}), {}\n", evidence.law->name, evidence.law->sentence,
             evidence.law->agreement == Agreement::bitwise ? "bitwise" : "within the error budgets",
             label_of(evidence.judged));
  fmt::print("{}{}\n", compared("inputs", evidence.inputs, line.inputs),
             "; " + compared("outputs", evidence.outputs, line.outputs));
  fmt::print("again: {}\n", replay_command(to_line(evidence)));
  fmt::print("{}{}{}\n", painted_status(status, style_of_standard_output()), message.empty() ? "" : ": " + message,
             evidence.law->agreement == Agreement::bounded ? fmt::format("; e = {:.4g}", e) : "");
  return is_tolerable(status) ? 0 : kExitFailed;
}

int replay_questions(const QuestionsLine& line) {
  const auto [status, e, message] = replay(line);
  fmt::print("{}{}{}; e = {:.4g}\n", painted_status(status, style_of_standard_output()), message.empty() ? "" : ": ",
             message, e);
  return is_tolerable(status) ? 0 : kExitFailed;
}

int replay_recorded(const RecordedLine& line, const std::string& fixtures) {
  Run run;
  run.selected = 1;
  run.cases.push_back(replay(line, fixtures_directory(fixtures)));
  const Result& result = run.cases.front().results.front();
  const TerminalStyle style = style_of_standard_output();
  if (is_tolerable(result.status)) {
    fmt::print("{} {}, step {}, {} ({}), {}: e = {:.4g} {}\n", painted_status(result.status, style), result.case_name,
               result.step, result.stage, name_of(result.mode), label_of(result.judged), result.comparison.e,
               result.message);
    return 0;
  }
  fmt::print("{}", failure_text(run, style));
  return kExitFailed;
}

int run_replay(const ReplayOptions& options) {
  const ReplayLine line = replay_line(options.line);
  if (!options.export_file.empty()) {
    const auto* law = std::get_if<LawLine>(&line);
    if (law == nullptr) throw InputError("--export", "a line with law=..., whose case is drawn", "a recorded case");
    write_case(exported_case(*law), options.export_file);
  }
  return std::visit(
      overloaded{[](const LawLine& law) { return replay_law(law); },
                 [](const QuestionsLine& questions) { return replay_questions(questions); },
                 [&](const RecordedLine& recorded) { return replay_recorded(recorded, options.fixtures); }},
      line);
}

}  // namespace

void add_replay(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = app.add_subcommand("replay", "Meet a failure again: the line that it printed");
  command->add_option("LINE", options->line, "key=value words, in one pair of quotes")->type_name("")->required();
  command->add_option("--export", options->export_file, "Also write the drawn case as a case file")->type_name("FILE");
  command->add_option("--fixtures", options->fixtures, "Directory with case files and manifest.json")
      ->type_name("DIRECTORY");
  command->footer(kReplayFooter);
  command->callback([options, &invocation] { invocation.exit_code = run_replay(*options); });
}

}  // namespace attest::harness
