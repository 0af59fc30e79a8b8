#include "harness/explain/table_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "fixtures/bfloat16.h"
#include "reference/rotary_tables.h"

namespace attest::harness::explain {
namespace {

/// A hypothesis is as near to the tables as torch's rounding allows twice over, and at least this far from the right
/// ones: nearer, the two could not be told apart.
constexpr double kFits = 2 * reference::kCosineBudget;
constexpr double kMoves = 16 * reference::kCosineBudget;

struct TableHypothesis {
  Finding finding;
  RotaryTables tables;
};
using TableHypotheses = std::vector<TableHypothesis>;

/// What every rotary embedding has.
struct Plain {
  std::int64_t dim = 0;
  std::int64_t max_seq_len = 0;
  double base = 0.0;
};

Plain plain_of(const PosEmbeddings& embedding) {
  return std::visit(
      [](const auto& e) {
        if constexpr (requires { e.base; }) return Plain{e.dim, e.max_seq_len, e.base};
        return Plain{};
      },
      embedding);
}

double largest_distance(const Tensor& a, const Tensor& b) {
  double largest = 0.0;
  const auto left = a.as<float>(), right = b.as<float>();
  for (std::size_t i = 0; i < left.size(); ++i) {
    const double distance = std::fabs(static_cast<double>(left[i]) - static_cast<double>(right[i]));
    if (!(distance <= largest)) largest = distance;  // NaN stays
  }
  return largest;
}

double distance(const RotaryTables& a, const RotaryTables& b) {
  const double of_cos = largest_distance(a.cos, b.cos), of_sin = largest_distance(a.sin, b.sin);
  return of_cos > of_sin || std::isnan(of_cos) ? of_cos : of_sin;
}

class TableModel {
 public:
  TableModel(const PosEmbeddings& embedding, const RotaryTables& recorded)
      : embedding_(embedding),
        plain_(plain_of(embedding)),
        recorded_(recorded),
        rows_(recorded.cos.dim(0)),
        right_(reference::build_rotary_tables(embedding, rows_)) {}

  std::vector<Finding> findings() {
    add_bases();
    add_scalings();
    add_precisions();
    add_places();
    std::vector<Finding> fitting;
    for (const auto& [finding, tables] : hypotheses_) {
      const bool fits = distance(recorded_, tables) <= kFits && distance(right_, tables) > kMoves;
      if (fits) fitting.push_back(finding);
    }
    return fitting;
  }

 private:
  void add(const char* id, const std::string& sentence, RotaryTables tables) {
    hypotheses_.push_back({{id, sentence}, std::move(tables)});
  }
  void add(const char* id, const std::string& sentence, const PosEmbeddings& other) {
    add(id, sentence, reference::build_rotary_tables(other, rows_));
  }
  /// Tables of the angle of each position and pair, in double until the end.
  void add(const char* id, const std::string& sentence,
           const std::function<double(std::int64_t p, std::size_t i)>& angle) {
    auto tables = right_;
    const auto half = static_cast<std::size_t>(plain_.dim / 2);
    for (std::size_t at = 0; at < tables.cos.as<float>().size(); ++at) {
      const double turn = angle(static_cast<std::int64_t>(at / half), at % half);
      tables.cos.as<float>()[at] = static_cast<float>(std::cos(turn));
      tables.sin.as<float>()[at] = static_cast<float>(std::sin(turn));
    }
    add(id, sentence, std::move(tables));
  }

  /// theta_i as the tables have it: from the row of position 1, where every angle is below a turn.
  double tabled_theta(std::size_t i) const {
    const auto half = static_cast<std::size_t>(plain_.dim / 2);
    const auto cos = recorded_.cos.as<float>()[half + i], sin = recorded_.sin.as<float>()[half + i];
    return std::atan2(static_cast<double>(sin), static_cast<double>(cos));
  }

  void add_bases() {
    if (rows_ < 2 || plain_.dim < 4) return;
    const double solved = std::pow(tabled_theta(1), -static_cast<double>(plain_.dim) / 2);
    if (!(solved > 1 && solved < 1e12)) return;
    // Two digits are what bases have.
    const double digits = std::pow(10, std::floor(std::log10(solved)) - 1);
    const double base = std::round(solved / digits) * digits;
    add("table_base", fmt::format("the tables are those of base {}, not {}", base, plain_.base), with_base(base));
  }

  PosEmbeddings with_base(double base) const {
    auto other = embedding_;
    std::visit(
        [&](auto& e) {
          if constexpr (requires { e.base; }) e.base = base;
        },
        other);
    return other;
  }

  void add_scalings() {
    Llama3ScaledRoPE scaled{plain_.dim, plain_.max_seq_len, plain_.base};
    if (const auto* own = std::get_if<Llama3ScaledRoPE>(&embedding_)) {
      scaled = *own;
      add("table_scaling_left_out", "Llama3ScaledRoPE's scaling of the frequencies was left out",
          RotaryPositionalEmbeddings{plain_.dim, plain_.max_seq_len, plain_.base});
    }
    for (const double factor : {2.0, 4.0, 8.0, 16.0, 32.0}) {
      scaled.scale_factor = factor;
      add("table_scaling_added",
          fmt::format("the frequencies are scaled as Llama3ScaledRoPE does, with scale_factor {:g}", factor), scaled);
    }
    if (rows_ < 2) return;
    if (!(tabled_theta(0) > 0)) return;
    const auto stretch = static_cast<float>(std::round(1e3 / tabled_theta(0)) / 1e3);
    std::vector<float> theta(right_.theta.as<float>().begin(), right_.theta.as<float>().end());
    for (float& frequency : theta) frequency /= stretch;
    add("table_positions_scaled", fmt::format("every position is divided by {}", stretch),
        reference::rotary_tables_of(theta, rows_));
  }

  void add_precisions() {
    const auto theta = right_.theta.as<float>();
    auto rounded = right_;
    for (auto* table : {&rounded.cos, &rounded.sin}) {
      for (float& value : table->as<float>()) value = to_float(round_to_bfloat16(value));
    }
    add("table_bfloat16", "cos and sin are rounded to bfloat16; torchtune keeps them in float32", std::move(rounded));
    std::vector<float> coarse(theta.begin(), theta.end());
    for (float& value : coarse) value = to_float(round_to_bfloat16(value));
    add("table_theta_bfloat16", "theta is rounded to bfloat16; torchtune keeps it in float32",
        reference::rotary_tables_of(coarse, rows_));
    add("table_angles_bfloat16", "the angles are rounded to bfloat16", [&](std::int64_t p, std::size_t i) {
      return static_cast<double>(to_float(round_to_bfloat16(static_cast<float>(p) * theta[i])));
    });
    add("table_angles_float64", "the angles are products in float64; torchtune rounds them to float32",
        [&](std::int64_t p, std::size_t i) { return static_cast<double>(p) * static_cast<double>(theta[i]); });
    if (std::holds_alternative<Llama3ScaledRoPE>(embedding_)) return;
    add("table_angles_float64", "theta and the angles are computed in float64; torchtune rounds both to float32",
        [&](std::int64_t p, std::size_t i) {
          return static_cast<double>(p) *
                 std::pow(plain_.base, -2.0 * static_cast<double>(i) / static_cast<double>(plain_.dim));
        });
  }

  void add_places() {
    const auto theta = right_.theta.as<float>();
    const auto shifted = [&](float by) {
      return [&theta, by](std::int64_t p, std::size_t i) {
        return static_cast<double>((static_cast<float>(p) + by) * theta[i]);
      };
    };
    add("table_one_late", "row p holds position p - 1", shifted(-1.0F));
    add("table_one_early", "row p holds position p + 1", shifted(1.0F));
    add("table_exchanged", "cos and sin are exchanged", {right_.theta, right_.sin, right_.cos});
    auto negated = right_;
    for (float& value : negated.sin.as<float>()) value = -value;
    add("table_negated", "sin has the other sign", std::move(negated));
  }

  const PosEmbeddings& embedding_;
  Plain plain_;
  const RotaryTables& recorded_;
  std::int64_t rows_;
  RotaryTables right_;
  TableHypotheses hypotheses_;
};

}  // namespace

std::vector<Finding> table_findings(const PosEmbeddings& embedding, const RotaryTables& recorded) {
  return TableModel(embedding, recorded).findings();
}

}  // namespace attest::harness::explain
