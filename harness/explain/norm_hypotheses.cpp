#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <span>

#include "harness/explain/stage_hypotheses.h"
#include "reference/arrays.h"
#include "reference/rms_norm.h"

namespace attest::harness::explain {
namespace {

using Parameters = reference::RMSNormParameters<double>;

/// One row's result from its x and the parameters.
using Formula = std::function<double(std::span<const double> x, std::size_t c, const Parameters& with)>;

double mean_square(std::span<const double> x) {
  return std::inner_product(x.begin(), x.end(), x.begin(), 0.0) / static_cast<double>(x.size());
}
double mean_of(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

/// How much a token is divided by if the mean square is taken over other axes of x [b, n, s, h_d] than the last.
Array<double> normalised_over(const Array<double>& x, const Parameters& with, bool over_heads) {
  const auto b_end = static_cast<std::int64_t>(x.shape(0)), n = static_cast<std::int64_t>(x.shape(1));
  const auto s = static_cast<std::int64_t>(x.shape(2));
  Array<double> y = x;
  for (std::int64_t b = 0; b < b_end; ++b) {
    for (std::int64_t h = 0; h < n; ++h) {
      for (std::int64_t i = 0; i < s; ++i) {
        const auto out = reference::row(y, b, h, i);
        for (std::size_t c = 0; c < out.size(); ++c) {
          double squares = 0.0;
          if (over_heads) {
            for (std::int64_t g = 0; g < n; ++g)
              squares += mean_square(reference::row(x, b, g, i)) / static_cast<double>(n);
          } else {
            for (std::int64_t j = 0; j < s; ++j)
              squares += std::pow(reference::row(x, b, h, j)[c], 2) / static_cast<double>(s);
          }
          out[c] *= with.scale(c) / std::sqrt(squares + with.eps);
        }
      }
    }
  }
  return y;
}

class NormBuilder {
 public:
  explicit NormBuilder(const NormInputs& inputs)
      : x_(std::make_shared<const Array<double>>(reference::to_array<double>(inputs.x))),
        right_(reference::rms_norm_parameters<double>(inputs.norm, inputs.scale)) {}

  Hypotheses all() {
    add_epsilons();
    add_formulas();
    if (x_->dimension() == 4) {
      add_array("the mean square is taken over all heads of a token", normalised_over(*x_, right_, true));
      add_array("the mean square is taken over the tokens instead of the channels",
                normalised_over(*x_, right_, false));
    }
    return std::move(all_);
  }

 private:
  void add_array(std::string words, Array<double> wrong) {
    all_.push_back({{"norm_axis", std::move(words)}, rows_of(std::move(wrong))});
  }
  void add(std::string id, std::string words, Formula formula) {
    all_.push_back(
        {{std::move(id), std::move(words)}, [x = x_, with = right_, formula = std::move(formula)](std::int64_t row) {
           const std::size_t h_d = x->shape().back();
           const std::span<const double> of(x->data() + static_cast<std::size_t>(row) * h_d, h_d);
           std::vector<double> y(h_d);
           for (std::size_t c = 0; c < h_d; ++c) y[c] = formula(of, c, with);
           return y;
         }});
  }

  void add_epsilons() {
    add("norm_epsilon", "epsilon is missing",
        [](auto x, auto c, const Parameters& with) { return x[c] / std::sqrt(mean_square(x)) * with.scale(c); });
    add("norm_epsilon", "epsilon is added to the root instead of the mean square",
        [](auto x, auto c, const Parameters& with) {
          return x[c] / (std::sqrt(mean_square(x)) + with.eps) * with.scale(c);
        });
    for (const double eps : {1e-8, 1e-6, 1e-5, 1e-3}) {
      if (eps == right_.eps) continue;
      add("norm_epsilon", fmt::format("epsilon is {:g} instead of {:g}", eps, right_.eps),
          [eps](auto x, auto c, const Parameters& with) {
            return x[c] / std::sqrt(mean_square(x) + eps) * with.scale(c);
          });
    }
  }

  void add_formulas() {
    const auto root = [](std::span<const double> x, const Parameters& with) {
      return std::sqrt(mean_square(x) + with.eps);
    };
    add("norm_missing", "the norm is not applied", [](auto x, auto c, const Parameters&) { return x[c]; });
    add("norm_scale", "the norm's scale is missing",
        [=](auto x, auto c, const Parameters& with) { return x[c] / root(x, with); });
    add("norm_scale", "the norm's scale is applied twice",
        [=](auto x, auto c, const Parameters& with) { return x[c] / root(x, with) * with.scale(c) * with.scale(c); });
    add("norm_scale", "the norm multiplies by 1 + scale",
        [=](auto x, auto c, const Parameters& with) { return x[c] / root(x, with) * (1 + with.scale(c)); });
    add("norm_twice", "the norm is applied twice", [=](auto x, auto c, const Parameters& with) {
      std::vector<double> once(x.begin(), x.end());
      for (std::size_t i = 0; i < once.size(); ++i) once[i] *= with.scale(i) / root(x, with);
      return once[c] / root(once, with) * with.scale(c);
    });
    add("norm_sum", "the squares are summed where their mean is meant", [](auto x, auto c, const Parameters& with) {
      return x[c] / std::sqrt(mean_square(x) * static_cast<double>(x.size()) + with.eps) * with.scale(c);
    });
    add("norm_mean_subtracted", "the mean is subtracted, as in a layer norm",
        [](auto x, auto c, const Parameters& with) {
          const double mean = mean_of(x);
          return (x[c] - mean) / std::sqrt(mean_square(x) - mean * mean + with.eps) * with.scale(c);
        });
  }

  std::shared_ptr<const Array<double>> x_;
  Parameters right_;
  Hypotheses all_;
};

}  // namespace

Hypotheses norm_hypotheses(const NormInputs& inputs) { return NormBuilder(inputs).all(); }

}  // namespace attest::harness::explain
