#include "harness/verdict/unwritten.h"
#include "property_tests/misbehaving_kernel.h"

/// Whatever a library does to its process or to its buffers ends as a sentence about that one call.
namespace attest::harness {
namespace {

// --- its process ---------------------------------------------------------------------------------------------------

TEST(isolated_library, a_crash_names_its_signal) {
  EXPECT_EQ(sentence_of("crash"), "crashed with signal 11 (Segmentation fault)");
  EXPECT_EQ(sentence_of("stack_overflow"), "crashed with signal 11 (Segmentation fault)");
  EXPECT_EQ(sentence_of("abort"), "crashed with signal 6 (Aborted)");
  EXPECT_EQ(sentence_of("kill"), "crashed with signal 9 (Killed)");
}

TEST(isolated_library, what_it_printed_last_before_a_crash_is_quoted) {
  EXPECT_EQ(sentence_of("complain_and_abort"),
            "crashed with signal 6 (Aborted), last printed \"kernel.c:7: assertion failed: n_h % n_kv == 0\"");
}

/// LLVM's OpenMP, which Clang brings into the process, signs itself out in a file at an exit. That is refused, which
/// ends the process with 1.
void expect_exit(const std::string& sentence, const std::string& otherwise) {
  const bool signs_out = sentence.starts_with("tried to open a file: `openat` of /dev/shm/__KMP_REGISTERED_LIB_");
  EXPECT_TRUE(signs_out || sentence == otherwise) << sentence;
}

TEST(isolated_library, an_exit_in_the_middle_of_a_call_is_no_success) {
  expect_exit(sentence_of("exit"), "exited with 3");
  expect_exit(sentence_of("exit_with_success"), "exited with 0");
}

TEST(isolated_library, a_hang_ends_at_the_time_limit) {
  EXPECT_EQ(sentence_of("hang", Status::failed, 2), "gave no answer within 2 s");
  EXPECT_EQ(sentence_of("spin", Status::failed, 2), "gave no answer within 2 s");
}

TEST(isolated_library, a_library_that_always_hangs_is_given_up) {
  const auto kernel = kernel_that("hang", std::chrono::seconds(2));
  std::string sentence;
  for (int call = 0; call < 4; ++call) {
    try {
      attention_of(*kernel, 1);
    } catch (const NoAnswer& none) {
      sentence = none.what();
    }
  }
  EXPECT_EQ(sentence, "was not called again after 3 calls without an answer");
}

TEST(isolated_library, what_it_prints_or_closes_spoils_nothing) {
  EXPECT_EQ(sentence_of("write_to_standard_output"), "nothing");
  EXPECT_EQ(sentence_of("write_to_the_channel"), "its process sent something that is no answer");
  const std::string closed = sentence_of("close_everything");  // also what would be refused at the exit
  EXPECT_TRUE(closed == "exited with 0" || closed == "exited with 1") << closed;
}

// --- its buffers ---------------------------------------------------------------------------------------------------

TEST(isolated_library, a_read_outside_a_buffer_is_noticed_on_both_sides) {
  EXPECT_EQ(sentence_of("read_past_the_end"), "crashed with signal 11 (Segmentation fault): read past the end of `v`");
  EXPECT_EQ(sentence_of("read_a_page_past_the_end"),
            "crashed with signal 11 (Segmentation fault): read past the end of `v`");
  EXPECT_EQ(
      sentence_of("read_before_the_beginning"),
      "crashed with signal 11 (Segmentation fault): read before the beginning of `k`; only with each tensor at the "
      "beginning of a page");
}

TEST(isolated_library, a_write_outside_a_buffer_is_noticed_on_both_sides) {
  EXPECT_EQ(sentence_of("write_past_the_end"),
            "crashed with signal 11 (Segmentation fault): wrote past the end of `out`");
  EXPECT_EQ(sentence_of("write_before_the_beginning"), "wrote before the beginning of `out`");
}

TEST(isolated_library, a_write_to_an_input_is_noticed) {
  EXPECT_EQ(sentence_of("change_an_input"),
            "crashed with signal 11 (Segmentation fault): wrote to `q`, which is an input");
}

TEST(isolated_library, an_element_that_is_not_written_keeps_the_payload) {
  const auto kernel = kernel_that("leave_a_row_unwritten", std::chrono::seconds(60));
  const Tensor out = attention_of(*kernel, 1);
  EXPECT_TRUE(is_unwritten(out, out.size() - 1));
  EXPECT_FALSE(is_unwritten(out, 0));
}

TEST(isolated_library, an_answer_that_depends_on_where_the_buffers_lie_is_not_hidden_behind_another) {
  const auto kernel = kernel_that("wrong_at_a_page", std::chrono::seconds(60));
  std::vector<float> answers = {attention_of(*kernel, 1).as<float>()[0]};
  while (kernel->turn_to_other_answers()) answers.push_back(attention_of(*kernel, 1).as<float>()[0]);
  ASSERT_EQ(answers.size(), 5u);
  EXPECT_EQ(answers[0], 0.5f);  // at the end of a page
  EXPECT_EQ(answers[1], 7.0f);  // at its beginning
  attention_of(*kernel, 2);
  EXPECT_FALSE(kernel->turn_to_other_answers());
}

// --- its words -----------------------------------------------------------------------------------------------------

TEST(isolated_library, an_error_that_it_returns_comes_with_its_message) {
  EXPECT_EQ(sentence_of("return_an_error"), "returned 1: out of luck");
  EXPECT_EQ(sentence_of("return_nonsense"), "returned 42: without a message");
  EXPECT_EQ(sentence_of("message_without_end"), "returned 1: " + std::string(512, 'x'));
}

TEST(isolated_library, a_gap_that_it_declares_is_skipped_with_its_reason) {
  EXPECT_EQ(sentence_of("unsupported", Status::skipped), "no attention today");
}

TEST(isolated_library, a_function_that_it_does_not_offer_is_skipped) {
  const auto kernel = kernel_that("", std::chrono::seconds(60));
  const Tensor x = halves({2, 3});
  try {
    kernel->linear({x, x});
    FAIL() << "answered without a function";
  } catch (const NoAnswer& none) {
    EXPECT_EQ(none.verdict, Status::skipped);
    EXPECT_STREQ(none.what(), "the library offers no linear");
  }
}

TEST(isolated_library, a_claim_is_put_to_the_test) {
  const std::string sentence = sentence_of("claim_too_much");
  EXPECT_TRUE(sentence.starts_with("claims the same bits for any number of threads")) << sentence;
}

}  // namespace
}  // namespace attest::harness
