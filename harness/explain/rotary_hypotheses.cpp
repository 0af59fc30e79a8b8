#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "fixtures/layer_shapes.h"
#include "fixtures/overloaded.h"
#include "fixtures/validate.h"
#include "harness/explain/rounded.h"
#include "harness/explain/stage_hypotheses.h"
#include "reference/arrays.h"
#include "reference/rotary.h"

namespace attest::harness::explain {
namespace {

using reference::RotaryPairs;
using reference::Rotation;

/// The angle by which pair i is turned at a position.
using Angle = std::function<double(std::int64_t position, std::size_t i)>;

/// The `base` of a module whose frequencies are not scaled; 0 for the others.
double plain_base(const PosEmbeddings& embedding) {
  return std::visit(overloaded{[](const NoPosEmbeddings&) { return 0.0; },
                               [](const RotaryPositionalEmbeddings& rope) { return rope.base; },
                               [](const Llama3ScaledRoPE&) { return 0.0; },
                               [](const Phi3RotaryPositionalEmbeddings& rope) { return rope.base; },
                               [](const Qwen2RotaryPositionalEmbeddings& rope) { return rope.base; }},
                    embedding);
}

double base_of(const PosEmbeddings& embedding) {
  const auto* scaled = std::get_if<Llama3ScaledRoPE>(&embedding);
  return scaled == nullptr ? plain_base(embedding) : scaled->base;
}

class RotaryBuilder {
 public:
  explicit RotaryBuilder(const RotaryInputs& inputs)
      : inputs_(inputs),
        x_(reference::to_array<double>(inputs.x)),
        right_(reference::rotation_at(
            *reference::rotary_embedding<double>(inputs.embedding, &inputs.tables, inputs.x.dtype()), inputs.input_pos,
            inputs.x.dim(0), inputs.x.dim(1))),
        positions_(resolve_positions(inputs.input_pos, inputs.x.dim(0), inputs.x.dim(1),
                                     rotary_extent(inputs.embedding)->max_seq_len)),
        theta_(to_doubles(inputs.tables.theta)) {}

  Hypotheses all() {
    all_.push_back({{"rotary_missing", "the rotary embedding is not applied"}, rows_of(x_)});
    add_pairs();
    add_positions();
    add_tables();
    return std::move(all_);
  }

 private:
  void add(std::string id, std::string words, const Rotation<double>& wrong) {
    all_.push_back({{std::move(id), std::move(words)}, rows_of(reference::rotary(x_, wrong))});
  }

  /// The rotation by `angle` at other positions, its tables rounded to float32 as the right ones are.
  Rotation<double> turned(const Angle& angle, const std::vector<std::int64_t>& positions) const {
    Rotation<double> wrong = right_;
    for (std::size_t token = 0; token < positions.size(); ++token) {
      for (std::size_t i = 0; i < theta_.size(); ++i) {
        const double by = angle(positions[token], i);
        wrong.cos.data()[token * theta_.size() + i] = in_float32(std::cos(by));
        wrong.sin.data()[token * theta_.size() + i] = in_float32(std::sin(by));
      }
    }
    return wrong;
  }
  /// torchtune's own angle, rounded to float32.
  Angle torchtunes() const {
    return
        [this](std::int64_t position, std::size_t i) { return in_float32(static_cast<double>(position) * theta_[i]); };
  }

  void add_pairs() {
    const bool interleaved = right_.pairs == RotaryPairs::interleaved;
    Rotation<double> wrong = right_;
    wrong.pairs = interleaved ? RotaryPairs::half_split : RotaryPairs::interleaved;
    add("rotary_pairs",
        interleaved ? "pairs (i, i + h_d/2) are rotated instead of (2i, 2i + 1)"
                    : "pairs (2i, 2i + 1) are rotated instead of (i, i + h_d/2)",
        wrong);
    wrong = right_;
    wrong.sin *= -1.0;
    add("rotary_backwards", "the rotation turns backwards", wrong);
    std::swap(wrong.cos, wrong.sin);
    wrong.cos *= -1.0;
    add("rotary_cos_and_sin", "cos and sin are exchanged", wrong);
    for (std::size_t turned_pairs = 1; turned_pairs < theta_.size(); ++turned_pairs) {
      Rotation<double> partial = right_;
      for (std::size_t at = 0; at < partial.cos.size(); ++at) {
        if (at % theta_.size() < turned_pairs) continue;
        partial.cos.data()[at] = 1.0;
        partial.sin.data()[at] = 0.0;
      }
      add("rotary_partial", fmt::format("only the first {} of {} pairs are rotated", turned_pairs, theta_.size()),
          partial);
    }
    add("rotary_twice", "the rotary embedding is applied twice",
        turned([&](std::int64_t p, std::size_t i) { return 2 * torchtunes()(p, i); }, positions_));
  }

  void add_positions() {
    std::vector<std::int64_t> later = positions_, earlier = positions_, counted = positions_, shared = positions_;
    const auto s = static_cast<std::size_t>(inputs_.x.dim(1));
    for (std::size_t token = 0; token < positions_.size(); ++token) {
      ++later[token];
      --earlier[token];
      counted[token] = static_cast<std::int64_t>(token % s);
      shared[token] = positions_[token % s];
    }
    add("position_off_by_one", "every position is one too high", turned(torchtunes(), later));
    add("position_off_by_one", "every position is one too low", turned(torchtunes(), earlier));
    const std::int64_t last = inputs_.tables.cos.dim(0) - 1;
    for (std::int64_t& position : later) position = std::min(position, last);
    add("position_off_by_one", "every position is one too high, the last one in the table apart",
        turned(torchtunes(), later));
    add("positions_ignored", "input_pos is ignored: positions count from 0", turned(torchtunes(), counted));
    add("positions_of_first_sample", "every sample is rotated by the positions of sample 0",
        turned(torchtunes(), shared));
  }

  void add_tables() {
    const double base = base_of(inputs_.embedding), dim = 2.0 * static_cast<double>(theta_.size());
    const auto frequency = [dim](double of, std::size_t i) {
      return std::pow(of, -2.0 * static_cast<double>(i) / dim);
    };
    const std::string accurate =
        "; torchtune's float32 angle loses digits at far positions, and they are the specification";
    add("rotary_table_precision", "the angle is computed in double precision" + accurate,
        turned([&](std::int64_t p, std::size_t i) { return static_cast<double>(p) * theta_[i]; }, positions_));
    if (plain_base(inputs_.embedding) > 0) {
      add("rotary_table_precision", "frequency and angle are computed in double precision" + accurate,
          turned([&](std::int64_t p, std::size_t i) { return static_cast<double>(p) * frequency(base, i); },
                 positions_));
    } else {
      add("rotary_scaling", "the frequencies are not scaled",
          turned([&](std::int64_t p,
                     std::size_t i) { return in_float32(static_cast<double>(p) * in_float32(frequency(base, i))); },
                 positions_));
    }
    for (const double other : {10'000.0, 500'000.0, 1'000'000.0}) {
      if (other == base) continue;
      add("rotary_base", fmt::format("the rotary base is {:g} instead of {:g}", other, base),
          turned([&](std::int64_t p,
                     std::size_t i) { return in_float32(static_cast<double>(p) * in_float32(frequency(other, i))); },
                 positions_));
    }
    Rotation<double> wrong = right_;
    wrong.cos = reference::rounded_to(DType::bfloat16, wrong.cos);
    wrong.sin = reference::rounded_to(DType::bfloat16, wrong.sin);
    add("rotary_table_precision", "the rotary tables are rounded to bfloat16", wrong);
    wrong = right_;
    wrong.product_dtype = wrong.product_dtype == DType::float32 ? DType::bfloat16 : DType::float32;
    add("rotary_rounding", "the products of the rotation are rounded differently", wrong);
  }

  const RotaryInputs& inputs_;
  Array<double> x_;
  Rotation<double> right_;
  std::vector<std::int64_t> positions_;
  std::vector<double> theta_;
  Hypotheses all_;
};

}  // namespace

Hypotheses rotary_hypotheses(const RotaryInputs& inputs) { return RotaryBuilder(inputs).all(); }

}  // namespace attest::harness::explain
