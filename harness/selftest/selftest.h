#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/selftest/named_cause.h"
#include "harness/verdict/judgement.h"

/// Would this harness have noticed? Every planted bug of the zoo (harness/bug_zoo/) is judged on small cases of every
/// input family; so is every correct variant, which must be accepted.
namespace attest::harness {

/// How a kernel gave itself away.
///   call:  by the call itself: a crash, a stray access, a changed input, other bits with other threads
///   stage: a stage alone is outside its error budget, or not written
///   exact: a stage alone is not bit-equal where the answer is exact
///   layer: the layer end to end
enum class Check { call, stage, exact, layer };
std::string_view name_of(Check check);

/// The first rejection in a family.
struct Rejection {
  Check check;
  std::string line;  ///< the case: a draw as `attest replay` reads it, or the name of a recorded one
  Result result;
};

/// One kernel of the zoo on every family.
struct Trial {
  std::string name;
  std::map<std::string, Rejection> rejections;  ///< by family; absent where it passed
  std::vector<NamedCause> causes;               ///< of a bug: what was said first about each failure
  std::string broken_law;                       ///< the first of harness/laws/ that it breaks on one draw; or empty
  std::size_t passed = 0;                       ///< results
  double largest_e = 0.0;                       ///< of those that passed
};

struct Selftest {
  std::vector<std::string> families;
  std::vector<Trial> bugs;                  ///< those that were tried to the end, in the order of the zoo's list
  std::vector<Trial> variants;              ///< likewise, all correct
  std::vector<std::string> coverage_holes;  ///< combinations that the covering array of `attest verify` lacks
  std::size_t selected = 0;                 ///< how many kernels were to be tried
  bool interrupted = false;                 ///< by Ctrl-C, before all were tried
  double seconds = 0.0;
};

struct SelftestRequest {
  std::vector<std::string> bugs;  ///< names; empty: all of them, and all correct variants
  std::filesystem::path fixtures;
  int threads = 1;  ///< kernels tried side by side
};

/// `after_trial` is told how many kernels of how many are done. Throws InputError for a bug that is not in the zoo.
/// Ends early, with `interrupted`, after Ctrl-C.
Selftest run_selftest(const SelftestRequest& request,
                      const std::function<void(std::size_t done, std::size_t of)>& after_trial);

/// By a case or by a law.
bool was_noticed(const Trial& bug);
/// Whether the report says what the bug is: no hypothesis explains more of its rejections than the right one, or the
/// call gave it away ("wrote past the end").
bool was_named(const Trial& bug);
/// No case and no law rejected it, and some were judged.
bool was_accepted(const Trial& variant);
/// Why nothing could notice this bug; empty where something must.
std::string_view equivalence_of(const Trial& bug);

/// Of all planted bugs, the share whose right hypothesis must be named.
inline constexpr double kShareNamed = 0.8;

/// What all bugs' causes are worth.
Truthfulness truthfulness_of(const Selftest& selftest);

/// Every bug was noticed or is equivalent, every correct variant was accepted, and of a whole zoo enough was named, and
/// next to nothing wrongly.
bool all_fine(const Selftest& selftest);

}  // namespace attest::harness
