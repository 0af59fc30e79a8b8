#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// Kernels that the harness was not built around (held_out/), brought as shared libraries: `attest verify` accepts the
/// correct ones of every design on the shipped cases, and rejects every other.
namespace attest::property_tests {
namespace {

const std::vector<std::string> kDesigns = {"naive", "two_pass", "blocked", "kahan"};

/// Design and bug.
const std::vector<std::pair<std::string, std::string>> kWrong = {{"naive", "last_group_reads_first_head"},
                                                                 {"naive", "mask_axes_exchanged"},
                                                                 {"naive", "softmax_over_queries"},
                                                                 {"naive", "infinite_bias_is_zero"},
                                                                 {"naive", "cache_transposed"},
                                                                 {"naive", "key_index_is_a_byte"},
                                                                 {"naive", "position_is_a_byte"},
                                                                 {"naive", "heads_left_over_by_threads"},
                                                                 {"two_pass", "value_stride_of_queries"},
                                                                 {"two_pass", "sliding_window"},
                                                                 {"two_pass", "scale_twice_for_one_token"},
                                                                 {"two_pass", "positions_of_first_sample"},
                                                                 {"two_pass", "exponential_cut_off_at_minus_30"},
                                                                 {"two_pass", "eps_of_q_norm_for_k"},
                                                                 {"blocked", "maximum_of_last_key_forgotten"},
                                                                 {"blocked", "k_norm_scale_for_q"},
                                                                 {"kahan", "small_weights_not_summed"},
                                                                 {"kahan", "output_bias_halved"}};

std::string library(const std::string& design) { return std::string(ATTEST_HELD_OUT) + "/held_out_" + design + ".so"; }

struct Verdicts {
  int passed = 0, failed = 0;
};

/// By implementation. One run judges all of them, so that each case's truth is computed once.
std::map<std::string, Verdicts> verdicts_of(const std::vector<std::string>& implementations) {
  const ScratchFolder scratch;
  const auto file = scratch / "report.json";
  std::vector<std::string> arguments = {ATTEST_COMMAND, "verify", "--quiet", "--report", "json=" + file.string()};
  for (const auto& one : implementations) arguments.insert(arguments.end(), {"--implementation", one});
  // Everything but bfloat16, which these kernels lack, real layers, which take plain loops long, and errors.
  for (const auto* group :
       {"cache", "cross", "hard_inputs", "heads", "masks", "norms", "packed", "positions", "projections", "sizes"}) {
    arguments.push_back(std::string(group) + "/*");  // a bare name may also be a file where the test runs
  }
  run_command(arguments);
  std::ifstream stream(file);
  const auto report = nlohmann::json::parse(stream);
  std::map<std::string, Verdicts> verdicts;
  for (const auto& item : report.at("cases")) {
    for (const auto& result : item.at("results")) {
      Verdicts& of = verdicts[result.at("implementation")];
      of.passed += result.at("status") == "passed";
      of.failed += result.at("status") == "failed";
    }
  }
  return verdicts;
}

TEST(held_out_kernels, of_every_correct_design_pass_and_with_a_bug_that_the_zoo_lacks_fail) {
  std::vector<std::string> implementations;
  for (const auto& design : kDesigns) implementations.push_back(library(design));
  for (const auto& [design, bug] : kWrong) implementations.push_back(library(design) + "#" + bug);
  const auto verdicts = verdicts_of(implementations);
  for (const auto& design : kDesigns) {
    EXPECT_EQ(verdicts.at(library(design)).failed, 0) << design;
    EXPECT_GT(verdicts.at(library(design)).passed, 1000) << design;
  }
  for (const auto& [design, bug] : kWrong) {
    const Verdicts& of = verdicts.at(library(design) + "#" + bug);
    EXPECT_GT(of.failed, 0) << bug;
    EXPECT_GT(of.passed, of.failed) << bug << ": too wrong to prove anything";
  }
}

}  // namespace
}  // namespace attest::property_tests
