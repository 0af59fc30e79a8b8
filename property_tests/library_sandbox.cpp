#include <cstdlib>
#include <fstream>

#include "fixtures/error.h"
#include "property_tests/misbehaving_kernel.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// What a library may not do beside computing: each attempt ends as a sentence, or has no effect.
namespace attest::harness {
namespace {

class library_sandbox : public testing::Test {
 protected:
  void SetUp() override {
    const Confinement confinement = *kernel_that("", std::chrono::seconds(60))->confinement();
    if (!confinement.seccomp.empty()) GTEST_SKIP() << "no seccomp here: " << confinement.seccomp;
  }
};

std::string why_it_is_refused(const std::string& option, const std::vector<std::filesystem::path>& hidden = {}) {
  Isolation isolation{.command = ATTEST_COMMAND};
  isolation.hidden = hidden;
  try {
    load_implementation(std::string(ATTEST_MISBEHAVING_KERNEL) + "#" + option, isolation);
  } catch (const InputError& error) {
    return error.what();
  }
  return "it is not";
}

TEST_F(library_sandbox, no_file_is_opened_during_a_call) {
  EXPECT_EQ(sentence_of("open_a_file"), "tried to open a file: `openat` of /etc/passwd");
  EXPECT_EQ(sentence_of("write_a_file"), "tried to open a file: `openat` of answers_of_a_cheat");
  EXPECT_EQ(sentence_of("open_its_own_memory_file"), "tried to make a file: `memfd_create` of answers");
  EXPECT_EQ(sentence_of("change_the_folder"), "tried to change the current folder: `chdir` of /");
}

TEST_F(library_sandbox, no_other_process_is_reached) {
  EXPECT_EQ(sentence_of("fork"), "tried to start a process: `fork`");
  EXPECT_EQ(sentence_of("run_a_program"), "tried what no library may, with its signals blocked");
  EXPECT_EQ(sentence_of("kill_the_parent"), "tried to send a signal: `kill`");
  EXPECT_EQ(sentence_of("trace_the_parent"), "tried to look into another process: `ptrace`");
  EXPECT_EQ(sentence_of("read_the_parent"), "tried to look into another process: `process_vm_readv`");
  EXPECT_EQ(sentence_of("open_a_socket"), "tried to open a socket: `socket`");
  EXPECT_EQ(sentence_of("leave_its_group"), "tried to leave its process group: `setsid`");
}

TEST_F(library_sandbox, threads_and_questions_about_the_machine_are_fine) {
  EXPECT_EQ(sentence_of("use_a_thread"), "nothing");
  EXPECT_EQ(sentence_of("ask_about_the_machine"), "nothing");
}

TEST_F(library_sandbox, holds_while_the_library_is_loaded_but_for_files) {
  EXPECT_NE(why_it_is_refused("fork_at_load").find("while it was loaded it tried to start a process: `fork`"),
            std::string::npos);
  EXPECT_NE(why_it_is_refused("share_memory_at_load").find("keeps memory in common with others"), std::string::npos);
}

/// While it is loaded.
class library_files : public testing::Test {
 protected:
  void SetUp() override {
    const Confinement confinement = *kernel_that("", std::chrono::seconds(60))->confinement();
    if (!confinement.landlock.empty()) GTEST_SKIP() << "no Landlock here: " << confinement.landlock;
    std::ofstream(secret_) << "the answer";
    ::setenv("SECRET", secret_.c_str(), 1);
  }
  void TearDown() override { ::unsetenv("SECRET"); }

  const property_tests::ScratchFolder folder_;
  const std::filesystem::path secret_ = std::filesystem::canonical(folder_.path()) / "case.h5";
};

constexpr auto kCouldNot = "offers no function at all";

TEST_F(library_files, are_read_but_not_those_with_the_answers) {
  EXPECT_EQ(why_it_is_refused("read_at_load"), "it is not");
  EXPECT_EQ(why_it_is_refused("read_at_load", {folder_ / "another.h5"}), "it is not");
  EXPECT_NE(why_it_is_refused("read_at_load", {secret_}).find(kCouldNot), std::string::npos);
  EXPECT_NE(why_it_is_refused("read_at_load", {secret_.parent_path()}).find(kCouldNot), std::string::npos);
}

TEST_F(library_files, are_never_written) {
  EXPECT_NE(why_it_is_refused("write_at_load").find(kCouldNot), std::string::npos);
}

TEST_F(library_files, of_the_harness_in_proc_are_closed) {
  EXPECT_NE(why_it_is_refused("open_the_harness_at_load").find(kCouldNot), std::string::npos);
}

TEST_F(library_files, that_a_run_judges_are_hidden) {
  const std::string option = std::string(ATTEST_MISBEHAVING_KERNEL) + "#read_at_load";
  const std::string secret = std::string(ATTEST_FIXTURES) + "/heads/grouped_query.h5";
  const auto outcome = property_tests::run_command({ATTEST_COMMAND, "verify", "heads", "--implementation", option},
                                                   {{"SECRET", std::filesystem::canonical(secret)}});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find(kCouldNot), std::string::npos) << outcome.err;
}

TEST_F(library_sandbox, nothing_of_the_harness_is_open_or_can_be_opened) {
  EXPECT_EQ(sentence_of("open_the_memory_of_the_harness"), "nothing");
  EXPECT_EQ(sentence_of("use_a_descriptor_that_was_open"), "nothing");
}

TEST_F(library_sandbox, no_memory_of_a_call_is_mapped_a_second_time) {
  EXPECT_EQ(sentence_of("map_the_output_twice"), "tried to share memory: `mremap`");
}

TEST(library_without_sandbox, is_still_judged_and_says_what_is_not_in_force) {
  ::setenv("ATTEST_SANDBOX", "off", 1);
  EXPECT_EQ(sentence_of("open_a_file"), "nothing");
  EXPECT_EQ(kernel_that("", std::chrono::seconds(60))->confinement()->seccomp, "ATTEST_SANDBOX=off");
  ::unsetenv("ATTEST_SANDBOX");
}

// --- what needs no help of the kernel ------------------------------------------------------------------------------

TEST(library_state, is_as_before_after_every_call) {
  EXPECT_EQ(sentence_of("change_the_rounding"), "left the rounding mode changed");
  EXPECT_EQ(sentence_of("flush_to_zero"), "left flush to zero changed");
  EXPECT_EQ(sentence_of("denormals_are_zero"), "left denormals-are-zero changed");
  EXPECT_EQ(sentence_of("block_a_signal"), "left the signal mask changed: User defined signal 1");
  EXPECT_EQ(sentence_of("handle_a_signal"), "left the handling of a signal changed: User defined signal 1");
  EXPECT_EQ(sentence_of("lower_a_limit"), "left a resource limit changed");
  EXPECT_EQ(sentence_of("change_the_mask_of_new_files"), "left the mask of new files changed");
}

TEST(library_arguments, are_only_read) {
  EXPECT_EQ(sentence_of("change_the_scale"), "changed the struct of its arguments");
  EXPECT_EQ(sentence_of("change_a_shape"), "changed the DLTensor of `k`");
  EXPECT_EQ(sentence_of("change_a_pointer"), "changed the DLTensor of `q`");
  EXPECT_EQ(sentence_of("make_an_input_writable"),
            "crashed with signal 11 (Segmentation fault): wrote to `q`, which is an input");
}

TEST(library_output, is_final_when_the_call_returns) {
  const std::string sentence = sentence_of("write_after_the_return");  // at whichever of the calls that follow
  EXPECT_TRUE(sentence.starts_with("used a buffer of a call after that call had returned")) << sentence;
}

TEST(library_output, is_the_same_whatever_it_held_before) {
  const auto kernel = kernel_that("read_the_old_output", std::chrono::seconds(60));
  EXPECT_EQ(attention_of(*kernel, 1).as<float>()[0], 0.5f);
  std::string conditions;
  while (kernel->turn_to_other_answers()) {
    if (attention_of(*kernel, 1).as<float>()[0] != 0.5f) conditions += kernel->condition_of_answers();
  }
  EXPECT_EQ(conditions, "with numbers instead of NaN in the outputs before the call");
}

TEST(library_threads, are_several_in_one_call_and_their_number_is_said) {
  const auto kernel = kernel_that("wrong_with_several_threads", std::chrono::seconds(60));
  attention_of(*kernel, 1);
  std::string conditions;
  while (kernel->turn_to_other_answers()) {
    if (attention_of(*kernel, 1).as<float>()[0] != 0.5f) conditions += kernel->condition_of_answers();
  }
  EXPECT_TRUE(conditions.starts_with("with ") && conditions.ends_with(" threads")) << conditions;
}

TEST(library_alignment, that_an_instruction_needs_is_said) {
#if defined(__x86_64__)
  EXPECT_EQ(sentence_of("read_aligned"),
            "crashed with signal 11 (Segmentation fault): misaligned access to `v`: the address ends in 0x3c, the "
            "instruction needs 16-byte alignment");
#endif
}

// --- answers that are not computed -------------------------------------------------------------------------------

int verdict_on_cheat(const std::string& option) {
  return property_tests::run_command({ATTEST_COMMAND, "verify", "heads", "masks", "sizes", "--quiet", "--implementation",
                                      std::string(ATTEST_CHEATING_KERNEL) + "#" + option})
      .exit_code;
}

TEST(library_answers, that_are_computed_pass) { EXPECT_EQ(verdict_on_cheat(""), 0); }

TEST(library_answers, that_were_given_before_are_rejected) {
  EXPECT_EQ(verdict_on_cheat("last"), 1);
  EXPECT_EQ(verdict_on_cheat("same shape"), 1);
}

TEST(library_answers, that_are_wrong_now_and_then_are_rejected) {
  for (const std::string period : {"8", "10", "15"}) EXPECT_EQ(verdict_on_cheat("wrong every " + period), 1) << period;
}

// --- its words -----------------------------------------------------------------------------------------------------

TEST(library_output, that_it_prints_is_kept_with_the_last_lines_first_to_hand) {
  const auto kernel = kernel_that("say_why", std::chrono::seconds(60));
  attention_of(*kernel, 1);
  EXPECT_EQ(kernel->printed(), R"("row 1", "the sum is 3.5", "so it goes")");
}

TEST(library_output, without_an_end_is_cut) { EXPECT_EQ(sentence_of("print_without_end"), "nothing"); }

TEST(library_process, that_hangs_in_its_exit_handlers_ends_at_the_time_limit) {
  EXPECT_EQ(sentence_of("hang_at_exit", Status::failed, 2), "gave no answer within 2 s");
}

TEST(library_declaration, of_its_scores_is_taken_or_refused) {
  const auto kernel = kernel_that("declare_bfloat16_scores", std::chrono::seconds(60));
  EXPECT_EQ(kernel->score_storage(), reference::ScoreStorage::bfloat16);
  EXPECT_NE(why_it_is_refused("declare_nonsense").find("declares an unknown score_storage"), std::string::npos);
}

}  // namespace
}  // namespace attest::harness
