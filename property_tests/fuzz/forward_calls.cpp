#include "property_tests/fuzz/forward_calls.h"

#include "fixtures/error.h"
#include "fixtures/layer_shapes.h"
#include "optimized/multi_head_attention.h"
#include "reference/multi_head_attention.h"

namespace attest::property_tests {
namespace {

/// One that raised in the constructor is not a layer.
bool is_layer(const Case& item) {
  return !item.steps[0].error || item.steps[0].error->where == RaisedError::Where::forward;
}

template <class Forward, class Reset>
void make_calls(const Case& item, const Forward& forward, const Reset& reset_cache) {
  for (const auto& step : item.steps) {
    try {
      if (step.reset_cache) reset_cache();
      forward(step);
    } catch (const InputError&) {
      if (!step.error) throw;
    }
  }
}

}  // namespace

void make_forward_calls(const Case& item) {
  if (!is_layer(item)) return;
  reference::MultiHeadAttention<float> plain(item.layer);
  make_calls(
      item, [&](const Step& step) { plain.forward(step.inputs); }, [&] { plain.reset_cache(); });

  if (!optimized::gap(item.layer).empty()) return;
  optimized::MultiHeadAttention fast(item.layer, optimized::choose_target());
  make_calls(
      item,
      [&](const Step& step) {
        Tensor output(DType::float32, stage_shapes(item.layer.config, step.inputs).at(Stage::output));
        fast.forward(step.inputs, output);
      },
      [&] { fast.reset_cache(); });
}

}  // namespace attest::property_tests
