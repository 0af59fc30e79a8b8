#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "fixtures/error.h"
#include "harness/command/commands.h"
#include "harness/command/exit_codes.h"
#include "harness/command/sweep_blocking.h"
#include "harness/machine/interrupt.h"
#include "harness/machine/process_resources.h"
#include "harness/profile/event_counters.h"
#include "harness/profile/expected_seconds.h"
#include "harness/profile/named_layer.h"
#include "harness/profile/peak_movement.h"
#include "harness/report/baseline.h"
#include "harness/report/github.h"
#include "harness/report/profile_report.h"
#include "harness/report/progress.h"
#include "harness/report/report_file.h"
#include "harness/report/report_kinds.h"

namespace attest::harness {
namespace {

struct ProfileOptions {
  std::vector<std::string> layers = {"llama3_2_1b"};
  std::string work = "prefill:512,decode:4096";
  std::string dtype = "float32";
  std::string target;
  std::vector<std::string> peers;
  std::vector<std::string> reports;
  std::vector<int> threads;
  std::vector<std::int64_t> batch = {1};
  std::string baseline;
  bool across_machines = false;
  bool sweep_blocking = false;
  int repetitions = 9;
  double seconds = 20.0;
};

constexpr auto kProfileFooter = R"(Work:
  prefill:512        512 tokens, causal, no cache
  cached:512/32768   512 tokens into an empty cache of 32768 slots
  decode:32768       one token at the end of a filled cache of 32768 slots
  packed:8x512       8 documents of 512 tokens, as a block-causal bool mask
  documents:8x512    the same, given as the lengths of the documents (the peer gets the mask)
  blocks:8x512       the same, given as a BlockMask of blocks of 128 (the peer gets the mask)
  cross:512/1601     512 tokens attend 1601 others, all of them; without a rotary embedding, as in torchtune
  attention:4096     causal attention alone, without projections

Examples:
  attest profile
  attest profile --layer llama3_1_8b --work prefill:2048,decode:32768
  attest profile --work cached:512/32768 --target all --report json=profile.json
  attest profile --work decode:4096 --threads 2 --peer torchtune
  attest profile --threads 1,2 --report json=before.json --report html=before.html
  attest profile --threads 1,2 --baseline before.json   faster or slower than then?
  attest profile --layer norms/after_rotary --work prefill:512,cross:64/1601   a recorded case's layer
  attest profile --layer tiny --work prefill:16         a first try, in a second
  attest profile --sweep-blocking --work prefill:512    does the blocking suit this machine?

Each repetition measures the machine's peaks beside the work; the limit follows from them. A cold call comes after
reading 512 MiB, a warm call right after another one. The output is judged after the timing, on up to four tokens. A
result above the measured peak is INVALID: no figure, but no parity failure either. Where the peak that limits the work
moves by more than a tenth, within an item or from one to the next, the item is timed again, up to three times, and
then called UNSTABLE.

Exit code: 0, 1 if a timed output is wrong (or a blocking that must not, changes a bit), 2 a usage or input error (also: --peer torchtune without its Python), 130
interrupted (the reports hold what was timed).

Environment: ATTEST_TARGET; ATTEST_PYTHON, the interpreter of --peer (default: .venv, made by scripts/regenerate);
GITHUB_ACTIONS, GITHUB_STEP_SUMMARY (see docs/ci.md).)";

std::vector<optimized::Target> targets_of(const std::string& option) {
  if (option.empty()) return {optimized::choose_target()};
  if (option != "all") return {optimized::target_from_name(option)};
  std::vector<optimized::Target> usable;
  for (const auto& status : optimized::targets()) {
    if (status.usable) usable.push_back(status.target);
  }
  return usable;
}

/// Every combination, all checked before the first one is timed; in the order target, threads, layer, batch, work.
std::vector<ProfileRequest> requests_of(const ProfileOptions& options) {
  for (const auto& peer : options.peers) check_peer(peer);
  std::vector<WorkItem> items;
  for (const std::int64_t batch : options.batch) {
    for (WorkItem item : work_items_from_text(options.work)) {
      item.batch = batch;
      items.push_back(item);
    }
  }
  const DType dtype = dtype_from_name(options.dtype);
  std::vector<ProfiledLayer> layers;
  for (const auto& layer : options.layers) layers.push_back(profiled_layer(layer, dtype));
  std::vector<ProfileRequest> requests;
  for (const auto target : targets_of(options.target)) {
    for (const int count : options.threads.empty() ? std::vector{threads()} : options.threads) {
      for (const auto& layer : layers) {
        for (const auto& item : items) {
          requests.push_back({layer, item, target, count, options.repetitions, options.seconds, options.peers});
        }
      }
    }
  }
  return requests;
}

std::optional<Baseline> baseline_of(const ProfileOptions& options, const Fingerprint& fingerprint) {
  if (options.baseline.empty()) return std::nullopt;
  return Baseline(options.baseline, fingerprint,
                  options.across_machines ? BaselineScale::fractions : BaselineScale::seconds);
}

int exit_code_of(const std::vector<ProfileResult>& results, bool complete) {
  if (!complete) return kExitInterrupted;
  for (const auto& result : results) {
    if (result.status == Status::failed) return kExitFailed;
  }
  return 0;
}

/// How far the requests have come, with the repetitions of the one at work.
class RequestProgress {
 public:
  explicit RequestProgress(const std::vector<ProfileRequest>& requests)
      : requests_(requests), progress_(work_before(requests.size())) {}

  void begin(std::size_t index) {
    index_ = index;
    repeated(0);
  }
  void repeated(int done) {
    const ProfileRequest& request = requests_[index_];
    progress_.show(work_before(index_) + expected_seconds(request) * done / (request.repetitions + 1),
                   fmt::format("{}/{} {} {}, {}/{} times", index_ + 1, requests_.size(), request.layer.name,
                               to_text(request.item), done, request.repetitions));
  }
  void end() { progress_.wipe(); }

 private:
  double work_before(std::size_t index) const {
    double work = 0.0;
    for (std::size_t i = 0; i < index; ++i) work += expected_seconds(requests_[i]);
    return work;
  }

  const std::vector<ProfileRequest>& requests_;
  Progress progress_;
  std::size_t index_ = 0;
};

/// Times one until the peak beside it keeps still, or the last attempt was made.
ProfileResult time_one(const ProfileRequest& request, MachinePeaks& peaks, const std::vector<ProfileResult>& before,
                       const std::function<void(int)>& after_repetition) {
  for (int attempt = 1;; ++attempt) {
    auto result = profile_work(request, peaks, after_repetition);
    result.attempts = attempt;
    result.peak_movement = peak_movement(result, before);
    if (result.peak_movement <= kMostPeakMovement || attempt == kMostAttempts) return result;
  }
}

/// Times one after the other and shows each; after Ctrl-C, those that came to their end.
std::vector<ProfileResult> time_all(const std::vector<ProfileRequest>& requests,
                                    const std::optional<Baseline>& baseline) {
  std::vector<ProfileResult> results;
  std::optional<MachinePeaks> peaks;
  RequestProgress progress(requests);
  try {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      progress.begin(i);
      if (i == 0 || requests[i].target != requests[i - 1].target) peaks.emplace(requests[i].target);
      results.push_back(time_one(requests[i], *peaks, results, [&](int done) { progress.repeated(done); }));
      if (baseline) results.back().baseline = baseline->compare(results.back());
      progress.end();
      fmt::print("\n{}", profile_text(results.back(), style_of_standard_output()));
      std::fflush(stdout);
    }
  } catch (const Interrupted&) {
  }
  return results;
}

int run_profile(const ProfileOptions& options, const std::vector<std::string>& argv) {
  if (options.threads.size() == 1) set_threads(options.threads.front());
  const Fingerprint fingerprint = environment_fingerprint();
  const auto baseline = baseline_of(options, fingerprint);
  const auto requests = requests_of(options);
  const auto reports = report_requests(options.reports, kReportKinds);
  watch_for_interrupt();
  fmt::print("attest {}, {}, {} build\n{}, {}, {} threads\n", fingerprint.attest_version, fingerprint.compiler,
             fingerprint.build_type, fingerprint.cpu, fingerprint.operating_system, fingerprint.threads);
  if (const std::string why = EventCounters().no_hardware(); !why.empty()) {
    fmt::print("no hardware counters here ({})\n", why);
  }

  if (options.sweep_blocking) return run_blocking_sweeps(requests, reports, fingerprint, argv);
  const auto results = time_all(requests, baseline);
  fmt::print("{}", scaling_text(results));
  const auto document = profile_document(results, requests.size(), fingerprint, argv);
  write_reports(reports, document);
  tell_github(document);
  const bool complete = results.size() == requests.size();
  if (complete) fmt::print("\n{}", profile_verdict(results, requests.size(), style_of_standard_output()));
  if (!complete) fmt::print(stderr, "attest: interrupted after {} of {} work items\n", results.size(), requests.size());
  return exit_code_of(results, complete);
}

}  // namespace

void add_profile(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ProfileOptions>();
  CLI::App* command = app.add_subcommand("profile", "Time the optimized code beside the machine's peaks, and judge it");
  command
      ->add_option("--layer", options->layers,
                   fmt::format("Layers, repeatable or with commas: {}, or a case (a name or a file)",
                               fmt::join(layer_names(), ", ")))
      ->type_name("LAYER")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--work", options->work, "Work items, with commas; they are listed below")
      ->type_name("WORK")
      ->capture_default_str();
  command->add_option("--batch", options->batch, "Batch sizes, with commas")
      ->type_name("N")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("--dtype", options->dtype, "Storage of weights, activations and cache")
      ->type_name("DTYPE")
      ->capture_default_str();
  command
      ->add_option("--target", options->target,
                   "One target of the optimized code, or all (default: ATTEST_TARGET, else the fastest)")
      ->type_name("TARGET|all");
  command->add_option("--threads", options->threads, "Numbers of threads, with commas (default: all)")
      ->type_name("N")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 4096));
  command->add_option("--repetitions", options->repetitions, "Repetitions of each item at most")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--seconds", options->seconds, "No further repetition after this, but for the first three")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  auto* sweep = command->add_flag("--sweep-blocking", options->sweep_blocking,
                                  "Instead time other blocking constants beside the default, one at a time");
  command
      ->add_option(
          "--peer", options->peers,
          "The same work in turn there, repeatable: torchtune as shipped, torch-best (the fastest plain PyTorch)")
      ->type_name("torchtune|torch-best")
      ->excludes(sweep)
      ->allow_extra_args(false);
  auto* baseline = command
                       ->add_option("--baseline", options->baseline,
                                    "An earlier JSON report of this machine: is the same work faster or slower now?")
                       ->excludes(sweep)
                       ->type_name("FILE");
  command
      ->add_flag("--across-machines", options->across_machines,
                 "The baseline may be another machine's: compare shares of each machine's limit")
      ->needs(baseline);
  command->add_option("--report", options->reports, "Write a report; repeatable")
      ->type_name(report_values(kReportKinds))
      ->allow_extra_args(false);
  command->footer(kProfileFooter);
  command->callback([options, &invocation] { invocation.exit_code = run_profile(*options, invocation.argv); });
}

}  // namespace attest::harness
