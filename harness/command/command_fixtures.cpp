#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "fixtures/manifest.h"
#include "harness/command/case_text.h"
#include "harness/command/commands.h"
#include "harness/report/progress.h"
#include "harness/report/terminal_style.h"
#include "harness/report/terminal_table.h"
#include "harness/run/selection.h"

namespace attest::harness {
namespace {

namespace fs = std::filesystem;

struct FixturesOptions {
  std::string fixtures;
  std::vector<std::string> cases;
};

constexpr auto kFixturesFooter = R"(Examples:
  attest fixtures list                     every recorded case in one line
  attest fixtures show heads/grouped_query
  attest fixtures check
  attest fixtures diff A.h5 B.h5

Exit code: 0, 1 if diff finds a difference, 2 a usage or input error.)";

std::string painted(Status status) { return painted_status(status, style_of_standard_output()); }

fs::path the_one_case(const std::string& argument, const fs::path& fixtures) {
  const auto files = select_cases({argument}, fixtures);
  if (files.size() != 1) throw InputError(argument, "one case", std::to_string(files.size()) + " cases");
  return files.front();
}

int list_cases(const FixturesOptions& options) {
  const fs::path fixtures = fixtures_directory(options.fixtures);
  const auto files = options.cases.empty() ? all_cases(fixtures) : select_cases(options.cases, fixtures);
  const std::size_t width = name_width(files);
  const std::size_t columns = columns_of_terminal(STDOUT_FILENO).value_or(std::string::npos);
  for (const auto& file : files) {
    const Case item = read_case(file, GeneratedTensors::zeros);
    const std::string line =
        fmt::format("{:<{}} {:<38} {:>2} {:<5} {:<20} {}", item.name, width, shape_text(item.layer.config),
                    item.steps.size(), item.steps.size() == 1 ? "step" : "steps", item.family, item.description);
    fmt::print("{}\n", line.substr(0, columns));
  }
  fmt::print("{} cases in {}\n", files.size(), fixtures.string());
  return 0;
}

int show_cases(const FixturesOptions& options) {
  for (const auto& file : select_cases(options.cases, fixtures_directory(options.fixtures))) {
    fmt::print("{}\n", full_text(read_case(file, GeneratedTensors::zeros)));
  }
  return 0;
}

int check_cases(const FixturesOptions& options) {
  const fs::path fixtures = fixtures_directory(options.fixtures);
  const auto files = all_cases(fixtures);
  Progress progress(static_cast<double>(files.size()));
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& file = files[i];
    progress.show(static_cast<double>(i), fmt::format("{}/{} {}", i + 1, files.size(), file.stem().string()));
    const Case item = read_case(file);
    const std::string expected = fs::relative(file, fixtures).replace_extension().generic_string();
    if (item.name != expected) throw InputError(file.string() + ": /case", expected, item.name);
  }
  progress.wipe();
  fmt::print("{}: {} cases in {}, every SHA-256 matches and every file is valid\n", painted(Status::passed),
             files.size(), fixtures.string());
  return 0;
}

/// "" if equal, else what differs.
std::string difference(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) return fmt::format("dtype {} and {}", name_of(a.dtype()), name_of(b.dtype()));
  if (a.shape() != b.shape()) return fmt::format("shape {} and {}", to_string(a.shape()), to_string(b.shape()));
  if (std::ranges::equal(a.bytes(), b.bytes())) return "";
  if (!is_storage(a.dtype()) && a.dtype() != DType::float64) return "values differ";
  const auto left = to_doubles(a), right = to_doubles(b);
  double largest = 0.0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i] == right[i] || (std::isnan(left[i]) && std::isnan(right[i]))) continue;
    ++count;
    largest = std::max(largest, std::fabs(left[i] - right[i]));
  }
  return count == 0 ? "bits differ, values do not"
                    : fmt::format("{} of {} values differ, by at most {:.3g}", count, left.size(), largest);
}

int diff_cases(const FixturesOptions& options) {
  const fs::path fixtures = fixtures_directory(options.fixtures);
  const Case a = read_case(the_one_case(options.cases[0], fixtures));
  const Case b = read_case(the_one_case(options.cases[1], fixtures));
  std::map<std::string, std::pair<const Tensor*, const Tensor*>> paths;
  for (const auto& [path, tensor] : tensors_of(a)) paths[path].first = tensor;
  for (const auto& [path, tensor] : tensors_of(b)) paths[path].second = tensor;
  std::size_t differences = 0;
  for (const auto& [path, pair] : paths) {
    const auto& [left, right] = pair;
    const std::string what = left == nullptr    ? "only in the second"
                             : right == nullptr ? "only in the first"
                                                : difference(*left, *right);
    if (what.empty()) continue;
    ++differences;
    fmt::print("{:<40} {}\n", path, what);
  }
  fmt::print("{}: {} of {} tensors differ\n", painted(differences == 0 ? Status::passed : Status::failed), differences,
             paths.size());
  return differences == 0 ? 0 : 1;
}

constexpr int kAnyNumber = CLI::detail::expected_max_vector_size;

struct Action {
  const char* name;
  const char* description;
  int (*run)(const FixturesOptions&);
  int fewest_cases;
  int most_cases;
  const char* footer;
};

constexpr Action kActions[] = {
    {"list", "One line for each case", list_cases, 0, kAnyNumber,
     R"(Examples:
  attest fixtures list                     every recorded case
  attest fixtures list 'cache/*' my_case.h5)"},
    {"show", "Everything about a case but its numbers", show_cases, 1, kAnyNumber,
     R"(Example:
  attest fixtures show heads/grouped_query   configuration, steps, tensors, provenance)"},
    {"check", "Check the manifest and read every file", check_cases, 0, 0,
     R"(Examples:
  attest fixtures check                    SHA-256 of every file, and every file read and validated
  attest fixtures check --fixtures /tmp/regenerated)"},
    {"diff", "Compare two cases tensor by tensor", diff_cases, 2, 2,
     R"(Examples:
  attest fixtures diff heads/grouped_query heads/multi_query
  attest fixtures diff before.h5 after.h5

Exit code: 0 no tensor differs, 1 some do, 2 a usage or input error.)"},
};

void add_action(CLI::App& command, Invocation& invocation, const Action& action) {
  auto options = std::make_shared<FixturesOptions>();
  CLI::App* sub = command.add_subcommand(action.name, action.description);
  sub->add_option("--fixtures", options->fixtures, "Directory with case files and manifest.json")
      ->type_name("DIRECTORY");
  if (action.most_cases > 0) {
    sub->add_option("CASE", options->cases, "Case names, files, directories or globs")
        ->type_name("")
        ->required(action.fewest_cases > 0)
        ->expected(action.fewest_cases, action.most_cases);
  }
  sub->footer(action.footer);
  sub->callback([options, &action, &invocation] { invocation.exit_code = action.run(*options); });
}

}  // namespace

void add_fixtures(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("fixtures", "Look at the recorded torchtune cases");
  command->require_subcommand(0, 1);
  command->final_callback([command] {
    if (command->get_subcommands().empty()) throw InputError("fixtures", "list, show, check or diff", "none");
  });
  command->footer(kFixturesFooter);
  for (const Action& action : kActions) add_action(*command, invocation, action);
}

}  // namespace attest::harness
