#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "harness/bug_zoo/cache.h"
#include "harness/bug_zoo/kernels.h"
#include "harness/bug_zoo/rounding.h"
#include "harness/bug_zoo/tensors.h"

namespace attest::bug_zoo {
namespace {

/// The way of x or y to the heads that attention reads.
struct HeadPath {
  std::string letter;  ///< "q", "k"
  const DLTensor& source;
  const DLTensor* positions;
  std::int64_t heads;
  double eps;
};

/// One call of forward, in torchtune's order.
class LayerCall {
 public:
  LayerCall(const attest_layer& call, const Recipe& recipe, std::int32_t threads)
      : call_(call), recipe_(recipe), threads_(threads) {}

  void run() const;

 private:
  const DLTensor* weight(const std::string& name) const;
  Buffer projected(const std::string& name, const DLTensor& x) const;
  Buffer rotated(Buffer x, const DLTensor* positions) const;
  Buffer normalised(Buffer x, const HeadPath& path) const;
  Buffer heads(const HeadPath& path) const;
  Buffer values() const;
  Buffer attended(const Buffer& q) const;
  Buffer attended_over_cache(const Buffer& q) const;
  Buffer attended_over(const Buffer& q, const DLTensor& k, const DLTensor& v, const DLTensor* mask) const;
  void project_output(Buffer attention) const;
  void give(const std::string& stage, const DLTensor& value) const;
  Buffer stored(Buffer value) const;

  const attest_layer& call_;
  const Recipe& recipe_;
  std::int32_t threads_;
};

const DLTensor* LayerCall::weight(const std::string& name) const {
  const auto* end = call_.weights + call_.num_weights;
  const auto* found = std::find_if(call_.weights, end, [&](const auto& one) { return one.name == name; });
  return found == end ? nullptr : found->tensor;
}

void LayerCall::give(const std::string& stage, const DLTensor& value) const {
  for (std::size_t n = 0; n < call_.num_stages; ++n) {
    if (call_.stages[n].name != stage) continue;
    std::copy_n(elements(value), element_count(value), writable(*call_.stages[n].tensor));
    call_.stages[n].given = 1;
  }
}

/// As the next stage reads it.
Buffer LayerCall::stored(Buffer value) const {
  if (!recipe_.rounds_stages) return value;
  for (std::int64_t at = 0; at < element_count(value.tensor()); ++at) {
    value.data()[at] = rounded_to_bfloat16(value.data()[at]);
  }
  return value;
}

Buffer LayerCall::projected(const std::string& name, const DLTensor& x) const {
  const DLTensor& matrix = *weight(name + ".weight");
  Buffer y({extent(x, 0), extent(x, 1), extent(matrix, 0)});
  linear({sizeof(attest_linear), &x, &matrix, weight(name + ".bias"), y.out()}, recipe_);
  y = stored(std::move(y));
  give(name, y.tensor());
  return y;
}

Buffer LayerCall::rotated(Buffer x, const DLTensor* positions) const {
  if (call_.pairing == ATTEST_NO_ROTARY) return x;
  Buffer y({extent(x.tensor(), 0), extent(x.tensor(), 1), extent(x.tensor(), 2), extent(x.tensor(), 3)});
  rotary({sizeof(attest_rotary), &x.tensor(), call_.pairing, call_.cos, call_.sin, positions, y.out()}, recipe_);
  return stored(std::move(y));
}

Buffer LayerCall::normalised(Buffer x, const HeadPath& path) const {
  if (call_.has_norm == 0) return x;
  Buffer y({extent(x.tensor(), 0), extent(x.tensor(), 1), extent(x.tensor(), 2), extent(x.tensor(), 3)});
  norm({sizeof(attest_norm), &x.tensor(), weight(path.letter + "_norm.scale"), path.eps, y.out()}, recipe_);
  return stored(std::move(y));
}

/// [b, s, d] -> [b, n, s, h_d]
Buffer LayerCall::heads(const HeadPath& path) const {
  Buffer x = projected(path.letter + "_proj", path.source);
  x.reshape({extent(path.source, 0), extent(path.source, 1), path.heads, call_.head_dim});
  const bool norm_first = recipe_.has(Bug::rotary_after_norm) != (call_.norm_order == ATTEST_NORM_BEFORE_ROTARY);
  if (norm_first) x = normalised(std::move(x), path);
  if (norm_first && call_.has_norm != 0) give(path.letter + "_norm", with_middle_axes_swapped(x.tensor()).tensor());
  const bool skips = path.letter == "k" && (recipe_.has(Bug::rotary_on_q_only) ||
                                            (recipe_.has(Bug::k_cached_before_rotary) && call_.k_cache != nullptr));
  if (!skips) x = rotated(std::move(x), path.positions);
  if (call_.pairing != ATTEST_NO_ROTARY) give(path.letter + "_rope", x.tensor());
  Buffer by_head = with_middle_axes_swapped(x.tensor());
  if (!norm_first) by_head = normalised(std::move(by_head), path);
  if (!norm_first && call_.has_norm != 0) give(path.letter + "_norm", by_head.tensor());
  return by_head;
}

Buffer LayerCall::values() const {
  const bool has_shape_of_x = element_count(*call_.x) == element_count(*call_.y);
  const DLTensor& source = recipe_.has(Bug::values_from_x) && has_shape_of_x ? *call_.x : *call_.y;
  Buffer v = projected("v_proj", source);
  v.reshape({extent(source, 0), extent(source, 1), call_.num_kv_heads, call_.head_dim});
  if (recipe_.has(Bug::rotary_on_v)) v = rotated(std::move(v), call_.y_positions);
  return with_middle_axes_swapped(v.tensor());
}

Buffer LayerCall::attended_over(const Buffer& q, const DLTensor& k, const DLTensor& v, const DLTensor* mask) const {
  Buffer out({extent(q.tensor(), 0), extent(q.tensor(), 1), extent(q.tensor(), 2), extent(q.tensor(), 3)});
  attest_attention call{};
  call.struct_size = sizeof call;
  call.q = &q.tensor();
  call.k = &k;
  call.v = &v;
  call.mask = mask;
  call.is_causal = call_.is_causal;
  call.scale = call_.scale;
  call.kv_num_blocks = call_.kv_num_blocks;
  call.kv_indices = call_.kv_indices;
  call.full_kv_num_blocks = call_.full_kv_num_blocks;
  call.full_kv_indices = call_.full_kv_indices;
  call.partial_blocks = call_.partial_blocks;
  call.keep = call_.keep;
  call.dropout_p = call_.dropout_p;
  call.out = out.out();
  attention(call, recipe_, threads_);
  return stored(std::move(out));
}

Buffer LayerCall::attended_over_cache(const Buffer& q) const {
  std::int64_t filled = call_.cache_filled;
  std::int64_t slot = filled;
  std::optional<Buffer> v;
  if (call_.y != nullptr) {
    slot = first_slot(call_, recipe_);
    filled += extent(*call_.y, 1);
    const Buffer k = heads({"k", *call_.y, call_.y_positions, call_.num_kv_heads, call_.k_norm_eps});
    store(k.tensor(), *call_.k_cache, slot, recipe_);
    v = values();
  }
  const bool is_late = recipe_.has(Bug::stale_v) && call_.cache_filled > 0;
  if (v && !is_late) store(v->tensor(), *call_.v_cache, slot, recipe_);
  const std::optional<Buffer> edited = edited_mask(call_, filled, recipe_);
  Buffer out = attended_over(q, *call_.k_cache, *call_.v_cache, edited ? &edited->tensor() : call_.mask);
  if (v && is_late) store(v->tensor(), *call_.v_cache, slot, recipe_);
  give("k_cache", *call_.k_cache);
  give("v_cache", *call_.v_cache);
  return out;
}

Buffer LayerCall::attended(const Buffer& q) const {
  if (call_.k_cache != nullptr) return attended_over_cache(q);
  const Buffer k = heads({"k", *call_.y, call_.y_positions, call_.num_kv_heads, call_.k_norm_eps});
  return attended_over(q, k.tensor(), values().tensor(), call_.mask);
}

void LayerCall::project_output(Buffer attention) const {
  Buffer joined =
      recipe_.has(Bug::heads_not_transposed_back) ? std::move(attention) : with_middle_axes_swapped(attention.tensor());
  joined.reshape({extent(*call_.x, 0), extent(*call_.x, 1), call_.num_heads * call_.head_dim});
  linear(
      {sizeof(attest_linear), &joined.tensor(), weight("output_proj.weight"), weight("output_proj.bias"), call_.output},
      recipe_);
  give("output", *call_.output);
}

void LayerCall::run() const {
  const Buffer q = heads({"q", *call_.x, call_.x_positions, call_.num_heads, call_.q_norm_eps});
  Buffer attention = attended(q);
  give("attention", attention.tensor());
  project_output(std::move(attention));
}

}  // namespace

void layer(const attest_layer& call, const Recipe& recipe, std::int32_t threads) {
  LayerCall(call, recipe, threads).run();
}

}  // namespace attest::bug_zoo
