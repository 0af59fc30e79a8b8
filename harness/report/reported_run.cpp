#include "harness/report/reported_run.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "fixtures/error.h"
#include "fixtures/named_rows.h"
#include "harness/report/coverage_text.h"
#include "harness/report/document/markup.h"
#include "harness/search/replay_line.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;
using reference::ScoreStorage;

constexpr std::array kModes = {Mode::localised, Mode::end_to_end, Mode::exact, Mode::truth, Mode::error, Mode::setup};
constexpr std::array kGaps = {Gap::not_offered, Gap::declared};
constexpr std::array kSums = {Sums::float32, Sums::float64, Sums::bfloat16, Sums::float16};
constexpr std::array kProducts = {Products::as_stored, Products::tf32, Products::bfloat16};
constexpr std::array kScores = {ScoreStorage::float32, ScoreStorage::bfloat16, ScoreStorage::float16};

std::string words(const Json& item, const char* member) { return printable_lines(text_of(item, member)); }

template <class Value>
Value value(const Json& item, const char* member) {
  return item.at(member).get<Value>();
}

double number(const Json& item, const char* member) { return number_of(item.at(member)); }

/// A member that holds the name of one of these.
template <class Named>
auto named(const Json& item, const char* member, const Named& all) {
  return row_named(all, member, text_of(item, member), [](auto one) { return name_of(one); });
}

template <class Read>
auto each(const Json& list, const Read& read) {
  std::vector<decltype(read(list))> all;
  for (const auto& item : list) all.push_back(read(item));
  return all;
}

Judged judged(const Json& item) { return judged_from_label(printable(judged_label(item))); }

// --- results ---------------------------------------------------------------------------------------------------------

Sensitivity sensitivity(const Json& item) {
  Sensitivity found{number(item, "dropped_key"), number(item, "keys_noticed"), {}, number(item, "scale")};
  if (item.contains("swapped_heads")) found.swapped_heads = number(item, "swapped_heads");
  return found;
}

/// Such that it can be drawn; without cells where there is nothing to draw.
ResidualMap residual_map(const Json& item) {
  const auto text = [](const Json& one) { return printable(one.get<std::string>()); };
  ResidualMap map{each(item.at("axes"), text), value<Shape>(item, "shape"), value<std::int64_t>(item, "rows_a_cell"),
                  value<std::int64_t>(item, "columns_a_cell"), each(item.at("cells"), text)};
  const bool has_extents = std::ranges::all_of(map.shape, [](std::int64_t extent) { return extent > 0; });
  const bool has_cells = !map.cells.empty() && !map.cells.front().empty();
  const bool is_whole = map.axes.size() == map.shape.size() && has_extents && has_cells == !map.shape.empty() &&
                        map.rows_a_cell > 0 && map.columns_a_cell > 0;
  if (!is_whole) throw InputError("residual", "cells, and an axis for each extent", item.dump());
  return map;
}

Explanation explanation(const Json& why, const Json& residual) {
  const auto finding = [](const Json& item) { return Finding{words(item, "id"), words(item, "sentence")}; };
  return {each(why.at("findings"), finding), words(why, "pattern"), residual_map(residual)};
}

Comparison comparison(const Json& item) {
  Comparison found;
  found.e = number(item, "e");
  found.judged = value<std::int64_t>(item, "elements");
  found.outside = value<std::int64_t>(item, "outside");
  found.ill_conditioned_rows = value<std::int64_t>(item, "ill_conditioned_rows");
  if (item.contains("worst")) {
    const Json& worst = item.at("worst");
    found.worst = {value<Shape>(worst, "index"), number(worst, "got"), number(worst, "expected"),
                   number(worst, "budget")};
  }
  return found;
}

Result result(const Json& item) {
  Result found;
  found.step = value<std::int64_t>(item, "step");
  found.stage = words(item, "stage");
  found.mode = named(item, "mode", kModes);
  found.judged = judged(item);
  found.status = named(item, "status", kStatuses);
  if (item.contains("gap")) found.gap = named(item, "gap", kGaps);
  found.comparison = comparison(item);
  found.marginal = value<bool>(item, "marginal");
  if (item.contains("peer")) {
    const Json& peer = item.at("peer");
    found.peer = {value<std::int64_t>(peer, "rows"), number(peer, "median"), number(peer, "p99"), number(peer, "max"),
                  number(peer, "share_more_accurate")};
  }
  found.message = words(item, "message");
  if (item.contains("explanation")) found.explanation = explanation(item.at("explanation"), item.at("residual"));
  if (item.contains("sensitivity")) found.sensitivity = sensitivity(item.at("sensitivity"));
  return found;
}

CaseOutcome outcome(const Json& item) {
  CaseOutcome found;
  found.name = words(item, "case");
  found.file = words(item, "file");
  found.family = words(item, "family");
  found.dtype = words(item, "dtype");
  found.steps = value<std::int64_t>(item, "steps");
  found.status = named(item, "status", kStatuses);
  found.results = each(item.at("results"), result);
  found.seconds = number(item, "seconds");
  for (Result& one : found.results) one.case_name = found.name;
  for (const Json& one : item.at("results")) {
    if (!one.contains("replay")) continue;
    if (const auto line = replay_line(text_of(one, "replay")); const auto* of_case = std::get_if<RecordedLine>(&line))
      found.subject = of_case->recorded;
  }
  return found;
}

// --- drawn questions -------------------------------------------------------------------------------------------------

/// The draw is what follows the law and the implementation in the line that meets it again.
Result failed_draw(const Json& item) {
  Result found = result(item);
  const std::string line = words(item, "replay");
  found.case_name = line.substr(std::min(line.size(), replay_line_of_draw(found).size()));
  return found;
}

CoverageRun coverage(const Json& item) {
  const auto count = [&](const char* member) {
    const Json& counted = item.at(member);
    return Coverage::Count{value<std::int64_t>(counted, "covered"), value<std::int64_t>(counted, "possible")};
  };
  const auto absent = [](const Json& one) { return Coverage::Absent{words(one, "combination"), words(one, "reason")}; };
  const auto tally = [](const Json& one) {
    return CoverageTally{judged(one),
                         value<std::int64_t>(one, "passed"),
                         value<std::int64_t>(one, "failed"),
                         value<std::int64_t>(one, "skipped"),
                         number(one, "max_e"),
                         words(one, "max_e_draw")};
  };
  return {value<std::int64_t>(item, "draws"),
          value<std::int64_t>(item, "selected"),
          {{count("pairs"), count("triples_with_regime"), count("triples_with_dtype")},
           each(item.at("holes"), absent),
           each(item.at("left_out"), absent)},
          each(item.at("implementations"), tally),
          each(item.at("failures"), failed_draw),
          each(item.at("skipped"), result),
          number(item, "seconds")};
}

DrawRun draws(const Json& item) {
  const auto tally = [](const Json& one) {
    return DrawTally{judged(one),
                     value<std::int64_t>(one, "passed"),
                     value<std::int64_t>(one, "failed"),
                     value<std::int64_t>(one, "skipped"),
                     value<std::int64_t>(one, "could_not_tell"),
                     value<std::int64_t>(one, "not_asked"),
                     number(one, "max_e"),
                     words(one, "max_e_draw")};
  };
  const auto failure = [](const Json& one) {
    return DrawnFailure{judged(one), named(one, "status", kStatuses), words(one, "message"), words(one, "replay")};
  };
  return {value<std::uint64_t>(item, "seed"),
          value<std::uint64_t>(item, "draws"),
          value<std::uint64_t>(item, "drawn_again"),
          each(item.at("implementations"), tally),
          each(item.at("failures"), failure),
          false,
          number(item, "seconds")};
}

// --- the run ---------------------------------------------------------------------------------------------------------

Standing standing(const Json& item) {
  Standing found{judged(item), std::nullopt, {}};
  found.declaration.scores = named(item, "scores", kScores);
  if (item.contains("declares")) {
    const Json& declares = item.at("declares");
    found.declaration.sums = named(declares, "sums", kSums);
    found.declaration.products = named(declares, "products", kProducts);
    found.declaration.flushes_subnormals = value<bool>(declares, "flushes_subnormals");
    found.declaration.same_bits_for_any_threads = value<bool>(declares, "same_bits_for_any_threads");
  }
  if (item.contains("isolation")) {
    const auto why_not = [&](const char* means) {
      const std::string said = words(item.at("isolation"), means);
      return said == "in force" ? "" : said;
    };
    found.confinement = {why_not("seccomp"), why_not("landlock")};
  }
  return found;
}

Fingerprint fingerprint(const Json& item) {
  const auto target = [](const Json& one) {
    return TargetState{words(one, "target"), value<bool>(one, "usable"), words(one, "reason")};
  };
  return {words(item, "attest"),
          words(item, "cpu"),
          words(item, "operating_system"),
          words(item, "compiler"),
          words(item, "build_type"),
          value<int>(item, "threads"),
          each(item.at("targets"), target),
          words(item, "chosen_target")};
}

Run run_of(const Json& document) {
  Run run;
  for (const Json& one : document.at("summary").at("implementations")) {
    run.judged.push_back(judged(one));
    if (one.contains("scores")) run.standings.push_back(standing(one));
  }
  run.absences = each(document.at("setup"), result);
  run.cases = each(document.at("cases"), outcome);
  if (document.contains("coverage")) run.coverage = coverage(document.at("coverage"));
  if (document.contains("draws")) run.draws = draws(document.at("draws"));
  run.selected = value<std::size_t>(document, "selected");
  run.interrupted = document.at("status") == "interrupted";
  run.seconds = number(document, "seconds");
  return run;
}

}  // namespace

ReportedRun reported_run(const Json& document, const std::filesystem::path& file) {
  try {
    const auto word = [](const Json& item) { return printable(item.get<std::string>()); };
    return {run_of(document),
            fingerprint(document.at("environment")),
            {each(document.at("command"), word), words(document, "shard")}};
  } catch (const Json::exception& error) {
    throw InputError(file.string(), "the members that docs/json_report.md describes", error.what());
  } catch (const InputError& error) {
    throw InputError(file.string() + ": " + error.field, error.expected, error.actual);
  }
}

}  // namespace attest::harness
