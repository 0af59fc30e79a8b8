#include "fixtures/error.h"
#include "property_tests/json_schema.h"
#include "property_tests/misbehaving_kernel.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// What a library says of its arithmetic is shown beside its verdict, and changes nothing in that.
namespace attest::harness {
namespace {

constexpr std::chrono::seconds kPatience{60};

const Declaration kNone{.same_bits_for_any_threads = true, .features = 0};

std::string library(const std::string& option) { return std::string(ATTEST_MISBEHAVING_KERNEL) + "#" + option; }

TEST(declared_arithmetic, is_known_of_an_implementation) {
  const Declaration bold = kernel_that("declare_arithmetic", kPatience)->declaration();
  const Declaration all{.sums = Sums::bfloat16,
                        .products = Products::tf32,
                        .flushes_subnormals = true,
                        .same_bits_for_any_threads = true,
                        .features = 0};
  EXPECT_EQ(bold, all);
  EXPECT_EQ(kernel_that("declare_float64_sums", kPatience)->declaration().sums, Sums::float64);
  EXPECT_EQ(kernel_that("", kPatience)->declaration(), kNone);
}

TEST(declared_arithmetic, beyond_the_size_of_the_table_is_none) {
  EXPECT_EQ(kernel_that("declare_beyond_its_size", kPatience)->declaration(), kNone);
}

TEST(declared_features, are_what_a_case_must_find_or_it_is_skipped) {
  LayerSpec half;
  half.config.dtype = DType::float16;
  EXPECT_EQ(kernel_that("", kPatience)->gap(half), "it does not declare ATTEST_FLOAT16");
  EXPECT_EQ(kernel_that("", kPatience)->gap(LayerSpec()), "");
  EXPECT_EQ(kernel_that("declare_float16", kPatience)->gap(half), "");
}

TEST(declared_features, that_a_drawn_question_lacks_skip_it_with_that_reason) {
  const std::string line = "implementation=" + library("") + " law=truth seed=1 s_x=3 h_d=4 alone=yes dtype=float16";
  const auto outcome = property_tests::run_command({ATTEST_COMMAND, "replay", line});
  EXPECT_NE(outcome.out.find("it does not declare ATTEST_FLOAT16"), std::string::npos) << outcome.out << outcome.err;
}

TEST(declared_arithmetic, that_is_unknown_or_contradicts_itself_is_refused) {
  for (const auto* option : {"declare_two_kinds_of_sums", "declare_arithmetic_to_come"}) {
    try {
      kernel_that(option, kPatience);
      FAIL() << option;
    } catch (const InputError& error) {
      EXPECT_NE(error.actual.find("declares an unknown arithmetic"), std::string::npos) << error.what();
    }
  }
}

TEST(declared_arithmetic, stands_beside_the_verdict_and_leaves_it_alone) {
  const property_tests::ScratchFolder scratch;
  const auto file = scratch.path() / "report.json";
  const auto outcome = property_tests::run_command({ATTEST_COMMAND, "verify", "heads/grouped_query", "--implementation",
                                                    library("declare_arithmetic"), "--implementation", library("crash"),
                                                    "--report", "json=" + file.string()});
  EXPECT_NE(outcome.out.find("declares sums of bfloat16, products of tf32, subnormals taken for zero, and is judged by "
                             "the budget of float32 all the same"),
            std::string::npos)
      << outcome.out;
  const auto report = property_tests::valid_report(file);
  const auto& bold = report.at("summary").at("implementations").at(1);
  const auto& silent = report.at("summary").at("implementations").at(2);
  EXPECT_EQ(bold.at("declares"), (nlohmann::json{{"sums", "bfloat16"},
                                                 {"products", "tf32"},
                                                 {"flushes_subnormals", true},
                                                 {"same_bits_for_any_threads", true}}));
  EXPECT_EQ(silent.at("declares").at("sums"), "float32");
  EXPECT_EQ(silent.at("declares").at("products"), "as stored");
  EXPECT_EQ(bold.at("results"), silent.at("results"));
}

}  // namespace
}  // namespace attest::harness
