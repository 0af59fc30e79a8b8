#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "fixtures/error.h"
#include "harness/draw/draw_line.h"
#include "harness/run/replay.h"
#include "harness/search/draw_run.h"
#include "harness/search/history.h"
#include "harness/search/random_draw.h"
#include "harness/search/shrink.h"

/// Random questions, and what makes a failure of one simple and repeatable.
namespace attest::property_tests {
namespace {

using namespace harness;

TEST(random_questions, are_the_same_for_the_same_seed_and_valid) {
  std::set<std::string> lines;
  for (std::uint64_t index = 0; index < 300; ++index) {
    const DrawnQuestion question = random_question(7, index);
    EXPECT_EQ(question.draw, random_question(7, index).draw);
    EXPECT_EQ(question.draw, question.law->fit(question.draw)) << to_line(question.draw);
    lines.insert(std::string(question.law->name) + to_line(question.draw));
  }
  EXPECT_GT(lines.size(), 290u);
  EXPECT_NE(random_question(7, 0).draw, random_question(8, 0).draw);
}

TEST(random_questions, put_every_law) {
  std::set<std::string_view> put;
  for (std::uint64_t index = 0; index < 3 * laws().size(); ++index) put.insert(random_question(1, index).law->name);
  EXPECT_EQ(put.size(), laws().size());
}

TEST(a_shrunk_draw, is_the_simplest_that_still_fails) {
  const CaseDraw failing = nearest_valid(
      {.seed = 5, .b = 3, .s_x = 200, .n_kv = 2, .q_per_kv = 3, .h_d = 16, .mask = MaskKind::boolean, .alone = true});
  const CaseDraw simplest = shrunk(
      failing, nearest_valid, [](const CaseDraw& draw) { return draw.s_x > 64 && draw.q_per_kv >= 2; },
      std::chrono::seconds(5));
  EXPECT_EQ(to_line(simplest), "seed=5 s_x=65 q_per_kv=2");
}

TEST(a_shrunk_draw, is_what_failed_where_there_is_no_time) {
  const CaseDraw failing = nearest_valid({.s_x = 200});
  EXPECT_EQ(shrunk(
                failing, nearest_valid, [](const CaseDraw&) { return true; }, std::chrono::seconds(0)),
            failing);
}

/// Fails if these earlier questions were asked, in their order.
auto fails_after(std::vector<std::size_t> needed) {
  return [needed](std::span<const std::size_t> sequence) {
    auto at = needed.begin();
    for (const std::size_t asked : sequence.first(sequence.size() - 1)) at += at != needed.end() && *at == asked;
    return at == needed.end();
  };
}

TEST(history, of_what_fails_by_itself_is_none) {
  EXPECT_EQ(history_of(9, 8, fails_after({})).kind, History::Kind::alone);
}

TEST(history, names_the_earlier_questions_and_no_others) {
  const History history = history_of(40, 64, fails_after({11, 30}));
  EXPECT_EQ(history.kind, History::Kind::earlier);
  EXPECT_EQ(history.needed, (std::vector<std::size_t>{11, 30}));
}

TEST(history, looks_back_no_further_than_it_is_told) {
  EXPECT_EQ(history_of(40, 8, fails_after({11})).kind, History::Kind::unknown);
  EXPECT_EQ(history_of(40, 40, fails_after({0})).needed, std::vector<std::size_t>{0});
}

TEST(history, of_what_never_fails_again_is_unknown) {
  EXPECT_EQ(history_of(5, 8, [](std::span<const std::size_t>) { return false; }).kind, History::Kind::unknown);
}

// --- replay --------------------------------------------------------------------------------------------------------

std::string refusal_of(const std::string& line) {
  try {
    std::visit(
        [](const auto& one) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(one)>, RecordedLine>) static_cast<void>(replay(one));
        },
        replay_line(line));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(replay, refuses_a_draw_that_it_would_have_to_change) {
  EXPECT_EQ(refusal_of("law=truth implementation=reference s_x=3"), "");
  const std::string refusal = refusal_of("law=truth implementation=reference s_x=3 b=1000");
  EXPECT_NE(refusal.find("b=64"), std::string::npos) << refusal;
  EXPECT_NE(refusal_of("law=truth implementation=reference s_x=3 chunk=2"), "");
  EXPECT_EQ(refusal_of("law=truth implementation=reference s_x=9 family=rare_key"), "");  // whose width follows
}

TEST(replay, asks_a_sequence_in_one_process_and_judges_the_last) {
  const auto line =
      replay_line("implementation=reference law=truth s_x=3 then law=decoding s_x=2 mask=causal keys=cache");
  const auto& questions = std::get<QuestionsLine>(line);
  ASSERT_EQ(questions.questions.size(), 2u);
  EXPECT_EQ(questions.questions[1].law, "decoding");
  EXPECT_EQ(replay(questions).status, Status::passed);
}

TEST(draws, pass_on_the_reference) {
  Lineup lineup;
  lineup.implementations.push_back(implementation_from_label("reference"));
  const DrawRun run = run_draws(lineup, {.seed = 3, .count = 60, .time = {}, .isolation = {}}, [](std::uint64_t) {});
  EXPECT_TRUE(all_fine(run)) << (run.failures.empty() ? "" : run.failures.front().line);
  EXPECT_EQ(run.asked, 60u);
  EXPECT_GT(run.tallies.front().passed, 50);
}

/// Lets through everything but attention over more than 40 keys.
class WrongForManyKeys final : public Implementation {
 public:
  explicit WrongForManyKeys(std::unique_ptr<Implementation> right) : right_(std::move(right)) {}
  Judged identity() const override { return right_->identity(); }
  std::string gap(const LayerSpec& layer) const override { return right_->gap(layer); }
  std::unique_ptr<LayerUnderTest> layer(const LayerSpec& layer) const override { return right_->layer(layer); }
  Tensor linear(const LinearInputs& inputs) const override { return right_->linear(inputs); }
  Tensor rotary(const RotaryInputs& inputs) const override { return right_->rotary(inputs); }
  Tensor norm(const NormInputs& inputs) const override { return right_->norm(inputs); }
  Tensor attention(const AttentionInputs& inputs) const override {
    Tensor out = right_->attention(inputs);
    if (inputs.k.dim(2) > 40) std::ranges::fill(out.bytes(), std::byte{0});
    return out;
  }

 private:
  std::unique_ptr<Implementation> right_;
};

TEST(draws, find_a_wrong_kernel_and_say_when_the_failure_does_not_come_again) {
  Lineup lineup;
  lineup.implementations.push_back(std::make_unique<WrongForManyKeys>(implementation_from_label("reference")));
  const DrawRun run = run_draws(lineup, {.seed = 3, .count = 40, .time = {}, .isolation = {}}, [](std::uint64_t) {});
  ASSERT_FALSE(run.failures.empty());
  // A line names the reference, which is right: the failure cannot be met again from it.
  EXPECT_EQ(run.failures.front().status, Status::unstable);
  EXPECT_GT(run.tallies.front().not_asked, 0);
}

}  // namespace
}  // namespace attest::property_tests
