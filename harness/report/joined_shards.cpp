#include "harness/report/joined_shards.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "fixtures/error.h"
#include "harness/run/selection.h"

namespace attest::harness {
namespace {

/// What was asked for, whichever shard of it.
std::vector<std::string> without_option(const std::vector<std::string>& command, const std::string& option) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < command.size(); ++i) {
    if (command[i] == option) {
      ++i;  // its value
    } else if (!command[i].starts_with(option + "=")) {
      words.push_back(command[i]);
    }
  }
  return words;
}

/// The question, as a sentence: not which program it was put to, nor where the answers went.
std::string question_of(const ReportedRun& reported) {
  auto words = without_option(without_option(reported.header.command, "--shard"), "--report");
  if (!words.empty()) words.erase(words.begin());
  return fmt::format("{}", fmt::join(words, " "));
}

std::string people_of(const ReportedRun& reported) {
  std::vector<std::string> labels;
  for (const Judged& judged : reported.run.judged) labels.push_back(label_of(judged));
  return fmt::format("{}", fmt::join(labels, ", "));
}

Shard shard_of(const ShardReport& report) { return shard_from_text(report.reported.header.shard); }

void check_same(const ShardReport& report, const std::string& what, const std::string& of_first,
                const std::string& its_own) {
  if (of_first != its_own) throw InputError(report.file.string(), what + " '" + of_first + "'", "'" + its_own + "'");
}

/// `shards` are in the order of their numbers.
void check_all_of_one_run(const std::vector<ShardReport>& shards) {
  const ReportedRun& first = shards.front().reported;
  const std::size_t count = shard_of(shards.front()).count;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const ShardReport& report = shards[i];
    const Shard shard = shard_of(report);
    check_same(report, "a shard of the run", question_of(first), question_of(report.reported));
    check_same(report, "a report of attest", first.fingerprint.attest_version,
               report.reported.fingerprint.attest_version);
    check_same(report, "the judged", people_of(first), people_of(report.reported));
    const bool is_next = shard.count == count && shard.index == i + 1;
    if (!is_next) {
      throw InputError(report.file.string(), fmt::format("every shard once, here {}/{}", i + 1, count),
                       report.reported.header.shard);
    }
  }
  if (shards.size() != count) {
    throw InputError("reports", fmt::format("those of all {} shards", count), fmt::format("{} of them", shards.size()));
  }
}

/// Case i of the whole was case i / n of shard i mod n.
std::vector<CaseOutcome> in_order(std::vector<ShardReport>& shards) {
  std::vector<CaseOutcome> cases;
  for (std::size_t round = 0, taken = 1; taken > 0; ++round) {
    taken = 0;
    for (ShardReport& shard : shards) {
      if (round >= shard.reported.run.cases.size()) continue;
      cases.push_back(std::move(shard.reported.run.cases[round]));
      ++taken;
    }
  }
  return cases;
}

/// What every shard says of the machine is said once.
void add_absences(std::vector<Result>& absences, const std::vector<Result>& more) {
  for (const Result& one : more) {
    const bool is_known = std::ranges::any_of(absences, [&](const Result& other) {
      return other.judged == one.judged && other.stage == one.stage && other.message == one.message;
    });
    if (!is_known) absences.push_back(one);
  }
}

/// The covering array and random draws belong to one of the shards.
template <class Part>
void take_once(std::optional<Part>& all, std::optional<Part>& of_shard, const ShardReport& report, const char* what) {
  if (!of_shard) return;
  if (all) throw InputError(report.file.string(), std::string(what) + " in one of the shards", "it in two");
  all = std::move(of_shard);
}

void add_cpu(Fingerprint& fingerprint, const std::string& cpu) {
  if (fingerprint.cpu.find(cpu) == std::string::npos) fingerprint.cpu += " and " + cpu;
}

}  // namespace

ReportedRun joined_shards(std::vector<ShardReport> shards) {
  std::ranges::stable_sort(shards, {}, [](const ShardReport& one) { return shard_of(one).index; });
  check_all_of_one_run(shards);
  const ReportedRun& first = shards.front().reported;
  ReportedRun joined{{}, first.fingerprint, {without_option(first.header.command, "--shard"), "1/1"}};
  joined.run.judged = first.run.judged;
  joined.run.standings = first.run.standings;
  for (ShardReport& shard : shards) {
    Run& run = shard.reported.run;
    add_absences(joined.run.absences, run.absences);
    take_once(joined.run.coverage, run.coverage, shard, "the covering array");
    take_once(joined.run.draws, run.draws, shard, "random draws");
    joined.run.selected += run.selected;
    joined.run.interrupted = joined.run.interrupted || run.interrupted;
    joined.run.seconds += run.seconds;
    add_cpu(joined.fingerprint, shard.reported.fingerprint.cpu);
  }
  joined.run.cases = in_order(shards);
  return joined;
}

}  // namespace attest::harness
