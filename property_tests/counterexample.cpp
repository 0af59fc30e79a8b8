#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "harness/draw/draw_line.h"
#include "harness/lineup/implementations.h"
#include "harness/run/replay.h"
#include "property_tests/any_draw.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// A bug is found by the drawn cases, shrunk to its smallest, written on one line, and met again from that line.
namespace attest::property_tests {
namespace {

using namespace harness;

constexpr std::int64_t kKeysBeforeTheBug = 4;

/// The reference, except that attention over more than four keys reads the last value as zero.
class ForgetsTheLastValue final : public Implementation {
 public:
  Judged identity() const override { return {Party::library, "forgetful"}; }
  std::string gap(const LayerSpec& layer) const override { return honest_->gap(layer); }
  bool same_bits_alone_and_together() const override { return false; }
  std::unique_ptr<LayerUnderTest> layer(const LayerSpec& layer) const override { return honest_->layer(layer); }
  Tensor linear(const LinearInputs& in) const override { return honest_->linear(in); }
  Tensor rotary(const RotaryInputs& in) const override { return honest_->rotary(in); }
  Tensor norm(const NormInputs& in) const override { return honest_->norm(in); }
  Tensor attention(const AttentionInputs& in) const override {
    Tensor v = in.v;
    if (v.dim(2) <= kKeysBeforeTheBug) return honest_->attention(in);
    const std::size_t row = static_cast<std::size_t>(v.dim(3)) * size_of(v.dtype());
    const std::size_t head = static_cast<std::size_t>(v.dim(2)) * row;
    for (std::size_t end = head; end <= v.bytes().size(); end += head) {
      std::ranges::fill(v.bytes().subspan(end - row, row), std::byte{0});
    }
    return honest_->attention({in.q, in.k, v, in.mask, in.is_causal});
  }

 private:
  std::unique_ptr<Implementation> honest_ = std::move(all_implementations().front());
};

/// What the last failing draw gave: after shrinking, the smallest one's.
Evidence smallest_counterexample(const Law& law, const Implementation& implementation) {
  Evidence smallest;
  const auto result = rc::detail::checkTestable([&] {
    const Evidence evidence = try_law(law, implementation, *any_draw());
    if (evidence.verdict.status != Status::failed) return;
    smallest = evidence;
    RC_FAIL(to_line(evidence));
  });
  rc::detail::FailureResult failure;
  EXPECT_TRUE(result.match(failure)) << "the bug was not found";
  return smallest;
}

TEST(counterexample, of_a_broken_kernel_is_found_shrunk_and_replayed_from_its_line) {
  const ForgetsTheLastValue broken;
  for (const char* name : {"truth", "key_permutation"}) {
    const Law& law = law_from_name(name);
    const Evidence found = smallest_counterexample(law, broken);
    ASSERT_EQ(found.verdict.status, Status::failed);
    const std::string line = to_line(found);
    SCOPED_TRACE(line);
    EXPECT_EQ(found.draw.mask_columns(), kKeysBeforeTheBug + 1);
    EXPECT_EQ(found.draw.b, 1);
    EXPECT_EQ(found.draw.num_heads(), 1);
    EXPECT_EQ(line.find('\n'), line.npos);

    const auto read = std::get<LawLine>(replay_line(line));
    EXPECT_EQ(read.implementation, "forgetful");
    const Evidence again = try_law(law_from_name(read.law), broken, read.draw.draw);
    EXPECT_EQ(again.verdict.status, Status::failed);
    EXPECT_EQ(again.inputs, read.inputs);
    EXPECT_EQ(again.outputs, read.outputs);
  }
}

TEST(counterexample, of_another_kernel_has_other_outputs_from_the_same_inputs) {
  const CaseDraw draw = draw_from_line("s_x=5");
  const Law& law = law_from_name("truth");
  const Evidence wrong = try_law(law, ForgetsTheLastValue(), draw);
  const Evidence right = try_law(law, *implementation_from_label("reference"), draw);
  EXPECT_EQ(wrong.inputs, right.inputs);
  EXPECT_NE(wrong.outputs, right.outputs);
  EXPECT_EQ(right.verdict.status, Status::passed);
}

// --- from the command line -----------------------------------------------------------------------------------------

CommandOutcome replay_command(const std::string& line, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {ATTEST_COMMAND, "replay", line};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_command(arguments);
}

void expect_text(const CommandOutcome& outcome, int exit_code, const std::string& mention) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.err;
  EXPECT_NE((outcome.out + outcome.err).find(mention), std::string::npos) << outcome.out << outcome.err;
}

TEST(replay, says_that_inputs_and_outputs_are_the_same) {
  const Evidence evidence = try_law(law_from_name("decoding"), *implementation_from_label("reference"), {.s_x = 3});
  std::string line = to_line(evidence);
  const CommandOutcome same = replay_command(line);
  expect_text(same, 0, "inputs " + line.substr(line.find("inputs=") + 7, 16) + ", the same");
  expect_text(same, 0, "outputs " + line.substr(line.find("outputs=") + 8, 16) + ", the same");
  line.replace(line.find("outputs=") + 8, 16, "00000000000000ff");
  expect_text(replay_command(line), 0, "not the line's 00000000000000ff");
}

TEST(replay, of_a_planted_bug_in_a_library_fails_again) {
  const std::string library = ATTEST_BUG_ZOO "#heads_swapped";
  expect_text(replay_command("law=truth implementation=" + library + " n_kv=2 s_x=3"), 1, "failed: ");
  const std::string correct = ATTEST_BUG_ZOO "#naive";
  expect_text(replay_command("law=truth implementation=" + correct + " n_kv=2 s_x=3"), 0, "passed");
}

TEST(replay, meets_a_result_of_a_recorded_case_again) {
  const std::string where = "case=heads/grouped_query step=0 stage=attention mode=";
  expect_text(replay_command(where + "localised implementation=reference"), 0, "passed heads/grouped_query");
  expect_text(replay_command(where + "localised implementation=torchtune"), 0, "torchtune: e = ");
  const std::string library = ATTEST_BUG_ZOO "#heads_swapped";
  expect_text(replay_command(where + "localised implementation=" + library), 1, "failed heads/grouped_query");
  expect_text(replay_command(where + "error implementation=reference"), 2, "a result that this case has");
}

TEST(replay, exports_a_case_that_verify_accepts) {
  const ScratchFolder scratch;
  const std::string file = (scratch / "drawn.h5").string();
  expect_text(replay_command("law=truth implementation=reference family=rare_key s_x=9 h_d=4", {"--export", file}), 0,
              "passed");
  expect_text(run_command({ATTEST_COMMAND, "verify", file}), 0, "passed: 1 of 1 cases judged");
  expect_text(replay_command("case=masks/bool_full step=0 stage=attention mode=exact implementation=reference",
                             {"--export", file}),
              2, "a recorded case");
}

TEST(replay, refuses_a_line_of_neither_kind) {
  expect_text(replay_command("implementation=reference"), 2, "law=... or case=...");
  expect_text(replay_command("law=gravity implementation=reference"), 2, "decoding");
  expect_text(replay_command("law=truth"), 2, "implementation=...");
  expect_text(replay_command("law=truth implementation=optimized"), 2, "optimized");
  expect_text(replay_command("law=truth implementation=reference inputs=xyz"), 2, "hexadecimal");
  expect_text(replay_command("law=truth law=truth implementation=reference"), 2, "once");
}

}  // namespace
}  // namespace attest::property_tests
