#include "harness/explain/layer_hypotheses.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "fixtures/layer_shapes.h"
#include "fixtures/modules.h"
#include "harness/explain/attention_hypotheses.h"
#include "reference/arrays.h"
#include "reference/linear.h"
#include "reference/rms_norm.h"
#include "reference/rotary.h"

namespace attest::harness::explain {
namespace {

/// A product of more multiplications is not tried: a real layer's weights.
constexpr double kMostMultiplications = 1 << 26;

std::string prefix_of(Stage stage) { return stage == Stage::output ? "output_proj" : std::string(name_of(stage)); }

class Projection {
 public:
  Projection(const StageFailure& failure, const LinearInputs& inputs)
      : failure_(failure), inputs_(inputs), parameters_(reference::linear_parameters<double>(inputs)) {}

  Hypotheses all() {
    const double rows = static_cast<double>(inputs_.x.size() / inputs_.weight.dim(1));
    if (rows * static_cast<double>(inputs_.weight.size()) > kMostMultiplications) return {};
    const Step& step = failure_.item->steps[failure_.step];
    const auto* y = std::get_if<Tensor>(&step.inputs.y);
    if (y != nullptr && &inputs_.x == y && y->shape() == step.inputs.x.shape()) {
      add({"projected_from_x", "x is projected where y is meant"}, reference::to_array<double>(step.inputs.x),
          parameters_);
    }
    add_other_weights();
    if (failure_.stage == Stage::output) add_heads_in_place(step);
    return std::move(all_);
  }

 private:
  void add(Finding finding, const Array<double>& x, const reference::LinearParameters<double>& with) {
    all_.push_back({std::move(finding), rows_of(reference::linear(x, with))});
  }

  void add_other_weights() {
    for (const char* other : {"q_proj", "k_proj", "v_proj", "output_proj"}) {
      const auto found = failure_.item->layer.weights.find(std::string(other) + ".weight");
      if (found == failure_.item->layer.weights.end() || other == prefix_of(failure_.stage)) continue;
      if (found->second.shape() != inputs_.weight.shape()) continue;
      auto wrong = parameters_;
      wrong.weight = reference::to_array<double>(found->second);
      add({"weights_exchanged", fmt::format("the weight of {} is used", other)}, reference::to_array<double>(inputs_.x),
          wrong);
    }
  }

  /// [b, n_h, s_x, h_d] read as [b, s_x, n_h h_d], without the transpose in between.
  void add_heads_in_place(const Step& step) {
    const auto attention = step.expected.find(Stage::attention);
    if (attention == step.expected.end()) return;
    const Shape& shape = inputs_.x.shape();
    add({"heads_not_transposed", "attention's heads are not transposed back before the output projection"},
        reference::view_as(reference::to_array<double>(attention->second), shape), parameters_);
  }

  const StageFailure& failure_;
  const LinearInputs& inputs_;
  reference::LinearParameters<double> parameters_;
  Hypotheses all_;
};

struct OfLayer {
  const StageFailure& failure;

  const LayerSpec& layer() const { return failure.item->layer; }

  Hypotheses operator()(const LinearInputs& in) const { return Projection(failure, in).all(); }

  Hypotheses operator()(const RotaryInputs& in) const {
    const auto& module = module_of(kNorms, failure.stage == Stage::q_rope ? Stage::q_norm : Stage::k_norm);
    const Norm& norm = layer().config.*module.spec;
    if (!normalises(norm) || normalises_first()) return {};
    const Tensor& scale = layer().weights.at(std::string(module.name) + ".scale");
    const Array<double> normed =
        reference::rms_norm(reference::to_array<double>(in.x), reference::rms_norm_parameters<double>(norm, scale));
    return {{{"norm_before_rotary", "the norm comes before the rotary embedding"}, rows_of(rotated(in, normed))}};
  }

  Hypotheses operator()(const NormInputs& in) const {
    if (!layer().tables || !normalises_first()) return {};
    const auto parameters = reference::rms_norm_parameters<double>(in.norm, in.scale);
    const Array<double> by_token = reference::transpose_1_2(reference::to_array<double>(in.x));
    const Array<double> turned = reference::transpose_1_2(rotated(rotary_of_call(in.x), by_token));
    return {{{"norm_after_rotary", "the norm comes after the rotary embedding"},
             rows_of(reference::rms_norm(turned, parameters))}};
  }

  Hypotheses operator()(const AttentionInputs& in) const {
    Hypotheses all = rotated_values(in);
    const auto* cache = std::get_if<KVCache>(&layer().config.kv_cache);
    if (cache != nullptr && cache->enabled) {
      std::ranges::move(stale_value_hypotheses(AttentionModel(in)), std::back_inserter(all));
    }
    return all;
  }

 private:
  bool normalises_first() const { return layer().config.norm_order == NormOrder::before_pos_embeddings; }

  RotaryInputs rotary_of_call(const Tensor& x) const {
    const auto& input_pos = failure.item->steps[failure.step].inputs.input_pos;
    return {x, layer().config.pos_embeddings, *layer().tables, input_pos ? &*input_pos : nullptr};
  }

  /// Without a cache, values have the positions of the call.
  Hypotheses rotated_values(const AttentionInputs& in) const {
    if (!layer().tables || in.v.dim(2) != in.q.dim(2)) return {};
    const Array<double> v = reference::to_array<double>(in.v);
    const RotaryInputs rotary = rotary_of_call(in.v);
    AttentionModel wrong(in);
    wrong.v =
        std::make_shared<const Array<double>>(reference::transpose_1_2(rotated(rotary, reference::transpose_1_2(v))));
    return {hypothesis({"rotary_on_v", "the values are rotated as well"}, wrong)};
  }

  /// x [b, s, n, h_d] by the positions of the call.
  static Array<double> rotated(const RotaryInputs& in, const Array<double>& x) {
    const auto embedding = reference::rotary_embedding<double>(in.embedding, &in.tables, in.x.dtype());
    const auto b = static_cast<std::int64_t>(x.shape(0)), s = static_cast<std::int64_t>(x.shape(1));
    return reference::rotary(x, reference::rotation_at(*embedding, in.input_pos, b, s));
  }
};

}  // namespace

Hypotheses layer_hypotheses(const StageFailure& failure) {
  if (failure.stage == Stage::k_cache || failure.stage == Stage::v_cache) return cache_hypotheses(failure);
  if (failure.inputs == nullptr) return {};
  return std::visit(OfLayer{failure}, *failure.inputs);
}

}  // namespace attest::harness::explain
