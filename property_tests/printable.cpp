#include "fixtures/printable.h"

#include <gtest/gtest.h>

#include "fixtures/error.h"
#include "fixtures/utf8.h"

/// Text of files and libraries on its way to a terminal or a report.
namespace attest {
namespace {

TEST(printable, leaves_what_may_be_shown_as_it_is) {
  for (const std::string text : {"", "plain", "β 中 🙂", "a\\x1bb", "e <= 1"}) {
    EXPECT_TRUE(is_printable(text)) << text;
    EXPECT_EQ(printable(text), text);
  }
}

TEST(printable, escapes_control_characters_and_what_is_no_utf8) {
  EXPECT_EQ(printable("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(printable("one\ntwo\tthree\r"), "one\\ntwo\\tthree\\r");
  EXPECT_EQ(printable(std::string("zero\0byte", 9)), "zero\\x00byte");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\xC2\x9B"), "\\xc2\\x9b") << "a control sequence that is one character";
  EXPECT_EQ(printable("\xFF\xC3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xE2\x80\xAE"
                      "cba"),
            "\\xe2\\x80\\xaecba")
      << "what turns the text around";
}

TEST(printable, no_byte_or_pair_of_bytes_gets_through_as_a_control) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const auto shown = printable(std::string{static_cast<char>(first), static_cast<char>(second)});
      ASSERT_TRUE(is_utf8(shown));
      ASSERT_TRUE(is_printable(shown));
      for (const char byte : shown) ASSERT_FALSE(static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f);
    }
  }
}

TEST(printable, a_long_text_keeps_its_ends_whole_characters_and_says_how_long_it_was) {
  std::string text = "begin ";
  for (int i = 0; i < 1'000'000; ++i) text += "中";
  for (std::size_t longest = 100; longest < 110; ++longest) {
    const auto shown = printable(text + " end", longest);
    EXPECT_LE(shown.size(), longest);
    EXPECT_GT(shown.size() + 7, longest);
    EXPECT_TRUE(is_utf8(shown));
    EXPECT_TRUE(shown.starts_with("begin ") && shown.ends_with(" end")) << shown;
    EXPECT_NE(shown.find("3000010 bytes"), shown.npos) << shown;
    EXPECT_EQ(printable(shown, longest), shown);
  }
}

TEST(printable, lines_keep_their_ends) { EXPECT_EQ(printable_lines("a\n\tb\x1b\r"), "a\n\tb\\x1b\\r"); }

TEST(printable, every_input_error_may_be_shown) {
  const std::string flood(3'000'000, '\x1b');
  const InputError error("field\x1b", flood, flood);
  EXPECT_TRUE(is_printable(error.what()) && is_printable(error.field));
  EXPECT_LT(std::string(error.what()).size(), 6000u);
  const InputError again(error.field, error.expected, error.actual);
  EXPECT_STREQ(again.what(), error.what());
}

}  // namespace
}  // namespace attest
