#include "harness/search/meet_again.h"

#include <fmt/format.h>

#include "harness/machine/interrupt.h"
#include "harness/search/history.h"
#include "harness/search/shrink.h"

namespace attest::harness {
namespace {

constexpr std::size_t kMostEarlier = 64;
constexpr std::chrono::milliseconds kTimeToShrink{5000};

/// Asks questions in order in a fresh process where the implementation is a library; what came of the last one.
LawVerdict verdict_in_fresh_process(const std::vector<DrawnQuestion>& questions, const std::string& implementation,
                                    const Isolation& isolation) {
  const auto fresh = implementation_from_label(implementation, isolation);
  LawVerdict last;
  for (const DrawnQuestion& question : questions) {
    stop_if_interrupted();
    last = ask(question, *fresh);
  }
  return last;
}

class Meeting {
 public:
  Meeting(const std::vector<DrawnQuestion>& asked, const Judged& judged, const Isolation& isolation)
      : asked_(asked), judged_(judged), isolation_(isolation) {}

  DrawnFailure again(const LawVerdict& verdict) const {
    const History history = history_of(
        asked_.size(), kMostEarlier, [&](std::span<const std::size_t> sequence) { return fails(questions(sequence)); });
    switch (history.kind) {
      case History::Kind::alone:
        return failure({simplest()}, "", verdict);
      case History::Kind::earlier: {
        std::vector<DrawnQuestion> sequence = questions(history.needed);
        sequence.push_back(asked_.back());
        return failure(sequence,
                       fmt::format("only after {} earlier {}", history.needed.size(),
                                   history.needed.size() == 1 ? "question" : "questions"),
                       verdict);
      }
      case History::Kind::unknown:
        break;
    }
    const std::string once = "failed once, and passed when it was asked again, alone and after what went before";
    return {judged_, Status::unstable, once + ": " + verdict.message, line({asked_.back()})};
  }

 private:
  std::vector<DrawnQuestion> questions(std::span<const std::size_t> sequence) const {
    std::vector<DrawnQuestion> chosen;
    for (const std::size_t at : sequence) chosen.push_back(asked_[at]);
    return chosen;
  }

  bool fails(const std::vector<DrawnQuestion>& sequence) const {
    return verdict_in_fresh_process(sequence, label_of(judged_), isolation_).status == Status::failed;
  }

  DrawnQuestion simplest() const {
    DrawnQuestion question = asked_.back();
    const auto as_question = [&](const CaseDraw& draw) { return DrawnQuestion{asked_.back().law, draw}; };
    question.draw = shrunk(
        question.draw, [&](CaseDraw draw) { return asked_.back().law->fit(std::move(draw)); },
        [&](const CaseDraw& draw) { return fails({as_question(draw)}); }, kTimeToShrink);
    return question;
  }

  DrawnFailure failure(const std::vector<DrawnQuestion>& sequence, const std::string& when,
                       const LawVerdict& verdict) const {
    LawVerdict last = verdict_in_fresh_process(sequence, label_of(judged_), isolation_);
    std::string message = last.message + (when.empty() ? "" : "; " + when);
    const Status status = last.status == Status::failed ? Status::failed : Status::unstable;
    if (status == Status::unstable) message = "sometimes fails and sometimes does not: " + verdict.message;
    return {judged_, status, std::move(message), line(sequence)};
  }

  std::string line(const std::vector<DrawnQuestion>& sequence) const { return to_line(sequence, label_of(judged_)); }

  const std::vector<DrawnQuestion>& asked_;
  Judged judged_;
  Isolation isolation_;
};

}  // namespace

DrawnFailure met_again(const std::vector<DrawnQuestion>& asked, const Judged& judged, const LawVerdict& verdict,
                       const Isolation& isolation) {
  return Meeting(asked, judged, isolation).again(verdict);
}

}  // namespace attest::harness
