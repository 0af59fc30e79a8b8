#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "fixtures/layer_shapes.h"
#include "harness/explain/layer_hypotheses.h"
#include "reference/arrays.h"
#include "reference/rotary.h"

namespace attest::harness::explain {
namespace {

/// The slots that one call fills.
struct Filled {
  std::int64_t first, count;
  std::size_t step;  ///< that made the call
};

/// Of every call since the last reset, the failed one last.
std::vector<Filled> calls_of(const StageFailure& failure) {
  std::vector<Filled> calls;
  std::int64_t filled = 0;
  for (std::size_t i = 0; i <= failure.step; ++i) {
    const Step& step = failure.item->steps[i];
    if (step.reset_cache) {
      calls.clear();
      filled = 0;
    }
    const Tensor* y = key_value_input(step.inputs);
    if (step.error || y == nullptr) continue;
    calls.push_back({filled, y->dim(1), i});
    filled += y->dim(1);
  }
  return calls;
}

using Place = std::function<std::int64_t(const Filled&)>;

/// The cache if each call's entries stood at `place`; what would fall outside is lost.
Array<double> placed(const Array<double>& truth, const std::vector<Filled>& calls, const Place& place) {
  Array<double> wrong = xt::zeros_like(truth);
  const auto slots = static_cast<std::int64_t>(truth.shape(2));
  for (const Filled& call : calls) {
    for (std::int64_t j = 0; j < call.count; ++j) {
      const std::int64_t to = place(call) + j;
      if (to < 0 || to >= slots) continue;
      for (std::int64_t b = 0; b < static_cast<std::int64_t>(truth.shape(0)); ++b) {
        for (std::int64_t g = 0; g < static_cast<std::int64_t>(truth.shape(1)); ++g) {
          std::ranges::copy(reference::row(truth, b, g, call.first + j), reference::row(wrong, b, g, to).begin());
        }
      }
    }
  }
  return wrong;
}

Finding shift_finding(std::int64_t by) {
  const std::string which = by == 1 || by == -1 ? "slot_off_by_one" : "slots_shifted";
  return {which, fmt::format("the entries stand {} slot{} too {}", std::abs(by), std::abs(by) == 1 ? "" : "s",
                             by > 0 ? "far on" : "early")};
}

/// The values rotated like the keys, by the positions of each call: v_cache only.
void add_rotated_values(Hypotheses& all, const StageFailure& failure, const Array<double>& truth) {
  const LayerSpec& layer = failure.item->layer;
  const auto calls = calls_of(failure);
  if (failure.stage != Stage::v_cache || !layer.tables || calls.size() != 1) return;
  const auto& input_pos = failure.item->steps[calls[0].step].inputs.input_pos;
  const auto embedding =
      reference::rotary_embedding<double>(layer.config.pos_embeddings, &*layer.tables, layer.config.dtype);
  const std::int64_t first = calls[0].first, end = first + calls[0].count;
  const Array<double> values = xt::view(truth, xt::all(), xt::all(), xt::range(first, end));
  const auto b = static_cast<std::int64_t>(truth.shape(0));
  const auto rotation = reference::rotation_at(*embedding, input_pos ? &*input_pos : nullptr, b, calls[0].count);
  Array<double> wrong = truth;
  xt::view(wrong, xt::all(), xt::all(), xt::range(first, end)) =
      reference::transpose_1_2(reference::rotary(reference::transpose_1_2(values), rotation));
  all.push_back({{"rotary_on_v", "the values are rotated as well"}, rows_of(std::move(wrong))});
}

}  // namespace

Hypotheses cache_hypotheses(const StageFailure& failure) {
  const Array<double> truth = reference::to_array<double>(failure.truth.value);
  const std::vector<Filled> calls = calls_of(failure);
  Hypotheses all;
  if (calls.empty()) return all;
  const auto add = [&](Finding finding, const Place& place) {
    all.push_back({std::move(finding), rows_of(placed(truth, calls, place))});
  };
  const std::int64_t last = calls.back().first, slots = static_cast<std::int64_t>(truth.shape(2));
  add({"slots_from_zero", "every call stores its entries from slot 0 on"}, [](const Filled&) { return 0; });
  for (std::int64_t by = 1 - slots; by < slots; ++by) {
    if (by == 0) continue;
    add(shift_finding(by), [by](const Filled& call) { return call.first + by; });
    if (calls.size() > 1) {
      add(shift_finding(by), [by, last](const Filled& call) { return call.first == last ? last + by : call.first; });
    }
  }
  add({"not_stored", "this call's entries are not stored"},
      [last, slots](const Filled& call) { return call.first == last ? slots : call.first; });
  add_rotated_values(all, failure, truth);
  return all;
}

}  // namespace attest::harness::explain
