#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/verdict/comparison.h"
#include "harness/verdict/judged.h"

/// The words of a verdict, and one record for each thing that was judged.
namespace attest::harness {

/// Only `passed` is success; a `skipped` carries its declared reason and is tolerated.
///   mistrusted: the comparison passed, but would have passed a wrong output as well (harness/judge/sensitivity.h)
///   vacuous:    the truth is constant, so that passing says nothing
///   untested:   nothing was given to compare
///   unstable:   it failed, and passed when it was asked the same again
///   invalid:    of a time: faster than the measured peak, so that the measurement or the count of the work is wrong
enum class Status { passed, failed, skipped, mistrusted, vacuous, untested, unstable, invalid };
/// Those that a result may have.
inline constexpr Status kStatuses[] = {Status::passed,  Status::failed,   Status::skipped, Status::mistrusted,
                                       Status::vacuous, Status::untested, Status::unstable};
std::string_view name_of(Status status);

/// How a result was obtained.
///   localised:  one stage alone, on the inputs that torchtune recorded for it (T0, T1)
///   end_to_end: the stage as the whole layer computed it from x (T0, T1 with propagated budgets)
///   exact:      bit-equality is demanded (T3)
///   truth:      the C++ float64 truth against the stored one of NumPy
///   error:      torchtune raised; so must the implementation, naming the same thing
///   setup:      something about the run itself, such as a target that this machine lacks
enum class Mode { localised, end_to_end, exact, truth, error, setup };
std::string_view name_of(Mode mode);

/// T2, advisory: per row of the last axis, rms error of ours over rms error of torchtune's own, against one truth.
struct PeerRatios {
  std::int64_t rows = 0;
  double median = 0.0;
  double p99 = 0.0;
  double max = 0.0;
  double share_more_accurate = 0.0;  ///< of rows in which ours is the more accurate
};

/// One hypothesis about a failure that the output fits: its name, and what it says in words.
struct Finding {
  std::string id;        ///< "key_missing"
  std::string sentence;  ///< "the rows of head 2, token 3..7 look as if key 5 was left out"
  bool operator==(const Finding&) const = default;
};

/// Where a failed stage is off, as a small picture: rows are those of its last axis, a cell is the largest share of the
/// budget of the elements in it.
struct ResidualMap {
  std::vector<std::string> axes;  ///< of the shape: "sample", "head", "token", "channel"
  Shape shape;
  std::int64_t rows_a_cell = 1, columns_a_cell = 1;
  /// A row of cells each. A cell is a blank (not judged), 0 (e of 1 at most), the power of ten that e does not exceed
  /// (9: any above), or x (another class, or a difference where none is allowed).
  std::vector<std::string> cells;
};

/// Why a stage failed (harness/explain/). Several hypotheses may fit one failure: the likelier stand first.
struct Explanation {
  std::vector<Finding> findings;
  std::string pattern;  ///< which rows and columns are outside; empty if nothing was explained
  ResidualMap map;      ///< without cells if nothing was explained
};
/// "looks as if ...; or ...", or that no hypothesis fits and which rows are outside; empty for an empty explanation.
std::string text_of(const Explanation& explanation);

/// What the budget of one attention lets through: the truth is mutated as a wrong kernel would, and judged against
/// itself. Each number is the mutation's largest e, so that above 1 it would be noticed.
struct Sensitivity {
  /// One key left out of every row that sees it and another one: of the key that shows most. If no row sees two keys: a
  /// row without its only key, which is zero. If none sees any, or all values seen are zero: a row of zeros in which
  /// one of the keys is read as holding ones.
  double dropped_key = 0.0;
  double keys_noticed = 0.0;            ///< share of the keys seen beside others whose loss would be noticed
  std::optional<double> swapped_heads;  ///< a head and the next one exchanged; absent where there is one head
  /// The scale is the next larger float32. The budget allows for that, as a kernel rounds its scale: 1 / this is how
  /// many units in the last place would be noticed.
  double scale = 0.0;

  double strongest() const;
};

/// Why a skipped result was not computed, where that is a gap of the implementation.
///   not_offered: a function that a library does not have
///   declared:    a call that it says it cannot compute
enum class Gap { none, not_offered, declared };

struct Result {
  std::string case_name;
  std::int64_t step = 0;
  std::string stage;  ///< a stage's name, or what else was judged: "constructor", "forward", "inputs"
  Mode mode = Mode::localised;
  Judged judged;
  Status status = Status::untested;
  Gap gap = Gap::none;
  Comparison comparison;  ///< of what was given; empty where nothing was
  bool marginal = false;  ///< e above 1, within the worst-case bound, in a structured-constant family
  std::optional<PeerRatios> peer;
  std::string message;                     ///< the reason of anything but a plain pass
  Explanation explanation;                 ///< of a failed stage
  std::optional<Sensitivity> sensitivity;  ///< of an attention judged alone
};

/// Whether the run may still exit with 0.
inline bool is_tolerable(Status status) { return status == Status::passed || status == Status::skipped; }

}  // namespace attest::harness
