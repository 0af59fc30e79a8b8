#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <tuple>

#include "harness/explain/attention_hypotheses.h"
#include "harness/explain/region.h"
#include "harness/explain/row_of_keys.h"

namespace attest::harness::explain {
namespace {

/// The chance to come as near by searching is to be below this.
constexpr double kMostChance = 1e-3;

/// The logarithm of the part of the ball around what was got, as wide as the truth is off, that is as near as this.
double log_chance(const Nearness& nearness, std::size_t channels) {
  return 0.5 * static_cast<double>(channels) * std::log(nearness.wrongs / nearness.truths);
}

const Candidate* find(const ExplainedRow& row, const Miscount& miscount) {
  const auto found = std::ranges::lower_bound(row.by, miscount, {}, &Candidate::miscount);
  return found == row.by.end() || found->miscount != miscount ? nullptr : &*found;
}

std::string words_of(const std::string& id, const std::string& keys) {
  if (id == "key_missing") return keys + " left out";
  if (id == "key_twice") return keys + " counted twice";
  if (id == "value_missing") return keys + " left out of the sum over V, but counted in the row's sum";
  if (id == "keys_alone") return keys + " seen, and no others, whatever is hidden";
  if (id == "keys_alone_unbiased") return keys + " seen, and no others, and no bias was added";
  return keys + " seen although hidden";
}

/// The keys of one kind in all rows, in words, and how well that fits.
struct Pattern {
  std::string keys;
  double rms;
};

/// One end of a run of keys: the same in all rows, or at a distance from the row's token.
struct End {
  bool follows_token = false;
  std::int64_t offset = 0;  ///< the key itself, where it does not follow the token

  std::int64_t in_row(std::int64_t token) const { return follows_token ? token + offset : offset; }
  std::string text() const {
    if (!follows_token) return std::to_string(offset);
    return offset == 0 ? "i" : fmt::format("i{:+}", offset);
  }
  auto operator<=>(const End&) const = default;
};

std::string keys_text(const End& first, const End& last) {
  const bool follow = first.follows_token || last.follows_token;
  if (first == last && follow && first.offset == 0) return "each token's own key was";
  const std::string keys =
      first == last ? "key " + first.text() : fmt::format("keys {}..{}", first.text(), last.text());
  return fmt::format("{}{} {}", keys, follow ? " for token i" : "", first == last ? "was" : "were");
}

/// A run of keys in every row, cut where the row has no more of them.
struct Run {
  End first, last;
  std::int64_t cut = 0;  ///< in how many rows
  double rms = 0.0;

  int following() const { return int{first.follows_token} + int{last.follows_token}; }
  auto simplicity() const { return std::tuple(cut, following(), rms); }
};

/// Where the run is what happened: not if a row has another, or if chance would do as well.
std::optional<Run> fitted(Run run, const std::string& id, const std::vector<ExplainedRow>& rows, std::size_t channels,
                          std::int64_t keys) {
  double squares = 0.0, chance = std::log(rows.front().tried);
  for (const ExplainedRow& row : rows) {
    const bool any_key = id.starts_with("keys_alone") || id == "hidden_key_seen";
    const std::int64_t least = any_key ? 0 : row.first_seen, most = any_key ? keys - 1 : row.last_seen;
    const std::int64_t first = run.first.in_row(row.at.i), last = run.last.in_row(row.at.i);
    const Candidate* candidate = find(row, {id, std::max(first, least), std::min(last, most)});
    if (candidate == nullptr) return std::nullopt;
    run.cut += first < least || last > most;
    squares += candidate->nearness.wrongs;
    chance += log_chance(candidate->nearness, channels);
  }
  if (!(chance <= std::log(kMostChance))) return std::nullopt;
  run.rms = std::sqrt(squares / static_cast<double>(rows.size() * channels));
  return run;
}

/// The ends that some rows suggest: the nearest candidates of a few, since a row may be cut at either end.
struct Ends {
  std::set<End> first, last;
};

Ends suggested_ends(const std::vector<ExplainedRow>& rows, const std::string& id) {
  constexpr std::size_t kRows = 8, kCandidates = 8;
  Ends ends;
  for (std::size_t n = 0; n < std::min(kRows, rows.size()); ++n) {
    const ExplainedRow& row = rows[n * (rows.size() - 1) / std::max<std::size_t>(1, std::min(kRows, rows.size()) - 1)];
    std::vector<Candidate> nearest;
    std::ranges::copy_if(row.by, std::back_inserter(nearest), [&](const auto& one) { return one.miscount.id == id; });
    std::ranges::sort(nearest, {}, [](const Candidate& one) { return one.nearness.wrongs; });
    if (nearest.size() > kCandidates) nearest.resize(kCandidates);
    for (const auto& [miscount, nearness] : nearest) {
      for (const bool follows : {false, true}) {
        const std::int64_t token = follows ? row.at.i : 0;
        ends.first.insert({follows, miscount.first - token});
        ends.last.insert({follows, miscount.last - token});
      }
    }
  }
  return ends;
}

/// How the keys follow from the row, if they do.
std::optional<Pattern> regular_pattern(const std::vector<ExplainedRow>& rows, const std::string& id,
                                       std::size_t channels, std::int64_t keys) {
  const Ends ends = suggested_ends(rows, id);
  std::vector<Run> runs;
  for (const End& first : ends.first) {
    for (const End& last : ends.last) {
      if (const auto run = fitted({first, last}, id, rows, channels, keys)) runs.push_back(*run);
    }
  }
  if (runs.empty()) return std::nullopt;
  const double limit = not_clearly_beaten(std::ranges::min(runs, {}, &Run::rms).rms);
  std::erase_if(runs, [&](const Run& run) { return run.rms > limit; });
  const Run simplest = std::ranges::min(runs, {}, &Run::simplicity);
  return Pattern{keys_text(simplest.first, simplest.last), simplest.rms};
}

/// A single key, or a run that begins or ends with what the row sees: those in the middle are too many to choose from
/// in each row anew.
bool is_plain(const Miscount& miscount, const ExplainedRow& row) {
  return miscount.first == miscount.last || miscount.first == row.first_seen || miscount.last == row.last_seen;
}

/// Another key in each row. A search in each row proves little: every row must rule chance out by itself.
std::optional<Pattern> irregular_pattern(const std::vector<ExplainedRow>& rows, const std::string& id,
                                         std::size_t channels) {
  double squares = 0.0;
  const Miscount* first = nullptr;
  for (const ExplainedRow& row : rows) {
    const Candidate* nearest = nullptr;
    for (const Candidate& candidate : row.by) {
      const auto& [miscount, nearness] = candidate;
      const bool beyond_chance = std::log(row.tried) + log_chance(nearness, channels) <= std::log(kMostChance);
      if (miscount.id != id || !is_plain(miscount, row) || !beyond_chance) continue;
      if (nearest == nullptr || nearness.wrongs < nearest->nearness.wrongs) nearest = &candidate;
    }
    if (nearest == nullptr) return std::nullopt;
    if (first == nullptr) first = &nearest->miscount;
    squares += nearest->nearness.wrongs;
  }
  return Pattern{fmt::format("some keys, others in each row (in the first of them {}), were",
                             keys_text({false, first->first}, {false, first->last})),
                 std::sqrt(squares / static_cast<double>(rows.size() * channels))};
}

/// A row of zeros, NaN or infinity holds no trace of single keys.
bool holds_traces(std::span<const double> got) {
  return std::ranges::all_of(got, [](double y) { return std::isfinite(y); }) &&
         std::ranges::any_of(got, [](double y) { return y != 0.0; });
}

}  // namespace

std::vector<Fitting> key_findings(const AttentionModel& right, const Residual& residual,
                                  const std::vector<std::int64_t>& rows) {
  std::vector<ExplainedRow> explained;
  bool any_traces = false;
  for (const std::int64_t row : rows) {
    if (residual.e(row) <= 1.0) continue;
    explained.push_back(explained_by_keys(right, residual, row));
    if (explained.back().by.empty()) return {};
    any_traces = any_traces || holds_traces(residual.got(row));
  }
  if (!any_traces) return {};
  const auto named = [&](const auto& ids, const auto& pattern_of) {
    std::vector<Fitting> findings;
    for (const char* id : ids) {
      const std::optional<Pattern> pattern = pattern_of(explained, id, residual.row_length());
      if (!pattern) continue;
      const std::string words = fmt::format("{} look as if {}", region_text(residual), words_of(id, pattern->keys));
      findings.push_back({{id, words}, pattern->rms});
    }
    return findings;
  };
  const auto regular = [&](const auto& rows_of_keys, const char* id, std::size_t channels) {
    return regular_pattern(rows_of_keys, id, channels, right.keys());
  };
  constexpr std::array kAlone{"keys_alone", "keys_alone_unbiased"};
  constexpr std::array kMiscounts{"key_missing", "key_twice", "value_missing", "hidden_key_seen"};
  if (auto findings = named(kMiscounts, regular); !findings.empty()) return findings;
  constexpr std::size_t kFewRows = 3;  // both ends are free to choose
  if (explained.size() >= kFewRows) {
    if (auto findings = named(kAlone, regular); !findings.empty()) return findings;
  }
  return named(kMiscounts, irregular_pattern);
}

}  // namespace attest::harness::explain
