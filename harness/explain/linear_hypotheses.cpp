#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "harness/explain/rounded.h"
#include "harness/explain/stage_hypotheses.h"

namespace attest::harness::explain {
namespace {

/// A projection in float64, one row of x at a time, so that only the sampled rows cost anything.
struct Product {
  std::vector<double> x, weight, bias;
  std::size_t in, out;

  explicit Product(const LinearInputs& inputs)
      : x(to_doubles(inputs.x)),
        weight(to_doubles(inputs.weight)),
        bias(inputs.bias == nullptr ? std::vector<double>() : to_doubles(*inputs.bias)),
        in(static_cast<std::size_t>(inputs.weight.dim(1))),
        out(static_cast<std::size_t>(inputs.weight.dim(0))) {}

  double bias_of(std::size_t o) const { return bias.empty() ? 0.0 : bias[o]; }

  /// sum_k x_k W_ok over k in [first, last), for one element.
  double sum(std::int64_t row, std::size_t o, std::size_t first, std::size_t last) const {
    const double* token = x.data() + static_cast<std::size_t>(row) * in;
    double total = 0.0;
    for (std::size_t k = first; k < last; ++k) total += token[k] * weight[o * in + k];
    return total;
  }
  /// The whole element, x and W passed through functions.
  template <class MapX, class MapW>
  double mapped(std::int64_t row, std::size_t o, MapX map_x, MapW map_w) const {
    const double* token = x.data() + static_cast<std::size_t>(row) * in;
    double total = bias_of(o);
    for (std::size_t k = 0; k < in; ++k) total += map_x(token[k]) * map_w(weight[o * in + k]);
    return total;
  }
  double transposed(std::int64_t row, std::size_t o) const {
    const double* token = x.data() + static_cast<std::size_t>(row) * in;
    double total = bias_of(o);
    for (std::size_t k = 0; k < in; ++k) total += token[k] * weight[k * out + o];
    return total;
  }
};

double as_it_is(double value) { return value; }

class LinearBuilder {
 public:
  LinearBuilder(const LinearInputs& inputs, const Residual& residual)
      : product_(std::make_shared<const Product>(inputs)), residual_(residual) {}

  Hypotheses all() {
    if (!product_->bias.empty()) add_bias();
    if (product_->in == product_->out) {
      add_element({"weight_transposed", "the weight is used without its transpose: x W instead of x W^T"},
                  [p = product_](std::int64_t row, std::size_t o) { return p->transposed(row, o); });
    }
    add_left_out();
    add_rounded();
    return std::move(all_);
  }

 private:
  using Element = std::function<double(std::int64_t row, std::size_t column)>;

  void add_element(Finding finding, Element element) {
    all_.push_back({std::move(finding), [element = std::move(element), out = product_->out](std::int64_t row) {
                      std::vector<double> y(out);
                      for (std::size_t o = 0; o < out; ++o) y[o] = element(row, o);
                      return y;
                    }});
  }
  /// The truth plus something.
  void add_change(Finding finding, Element change) {
    add_element(std::move(finding),
                [change = std::move(change), &residual = residual_](std::int64_t row, std::size_t o) {
                  return residual.truth(row)[o] + change(row, o);
                });
  }

  void add_bias() {
    const auto bias = [p = product_](std::int64_t, std::size_t o) { return p->bias[o]; };
    add_change({"bias_missing", "the bias is missing"}, [bias](auto row, auto o) { return -bias(row, o); });
    add_change({"bias_twice", "the bias is added twice"}, bias);
    add_change({"bias_subtracted", "the bias is subtracted"}, [bias](auto row, auto o) { return -2 * bias(row, o); });
  }

  /// What a wrong tail of the sum over in_features leaves out or takes twice.
  void add_left_out() {
    const std::size_t in = product_->in;
    for (std::size_t count = 1; count < std::min<std::size_t>(in, 17); ++count) {
      const std::string last =
          count == 1 ? "the last product of each sum is" : fmt::format("the last {} products of each sum are", count);
      const auto tail = [p = product_, count](std::int64_t row, std::size_t o) {
        return p->sum(row, o, p->in - count, p->in);
      };
      add_change({"products_missing", last + " left out"}, [tail](auto row, auto o) { return -tail(row, o); });
      add_change({"products_twice", last + " counted twice"}, tail);
    }
    add_change({"products_missing", "the first product of each sum is left out"},
               [p = product_](auto row, auto o) { return -p->sum(row, o, 0, 1); });
  }

  void add_rounded() {
    const auto add = [this](std::string words, auto map_x, auto map_w) {
      add_element(
          {"operands_rounded", std::move(words)},
          [p = product_, map_x, map_w](std::int64_t row, std::size_t o) { return p->mapped(row, o, map_x, map_w); });
    };
    add("the input is rounded to bfloat16", in_bfloat16, as_it_is);
    add("the weight is rounded to bfloat16", as_it_is, in_bfloat16);
    add("input and weight are rounded to bfloat16", in_bfloat16, in_bfloat16);
    add("the input is rounded to 11 significant bits, as TF32 has", in_eleven_bits, as_it_is);
    add("the weight is rounded to 11 significant bits, as TF32 has", as_it_is, in_eleven_bits);
    add("input and weight are rounded to 11 significant bits, as TF32 has", in_eleven_bits, in_eleven_bits);
  }

  std::shared_ptr<const Product> product_;
  const Residual& residual_;
  Hypotheses all_;
};

}  // namespace

Hypotheses linear_hypotheses(const LinearInputs& inputs, const Residual& residual) {
  return LinearBuilder(inputs, residual).all();
}

}  // namespace attest::harness::explain
