#include "harness/profile/attention_work.h"

#include "harness/profile/judge_work.h"
#include "harness/profile/named_layer.h"
#include "harness/profile/sampled_rows.h"

namespace attest::harness {
namespace {

optimized::AttentionShape attention_shape(const Config& config, const WorkItem& item) {
  return {.samples = extent(item.batch),
          .tokens = extent(item.length),
          .num_heads = extent(config.num_heads),
          .num_kv_heads = extent(config.num_kv_heads),
          .head_dim = extent(config.head_dim),
          .keys = extent(item.length),
          .mask = optimized::MaskClass::causal,
          .score_scale = score_scale(config.scale, config.head_dim)};
}

}  // namespace

AttentionWork::AttentionWork(const Config& config, const WorkItem& item, const optimized::Execution<float>& execution)
    : execution_(execution),
      q_(generated_activations(kStreamOfX, {item.batch, config.num_heads, item.length, config.head_dim})),
      k_(generated_activations(kStreamOfX + 1, {item.batch, config.num_kv_heads, item.length, config.head_dim})),
      v_(generated_activations(kStreamOfX + 2, k_.shape())),
      out_(DType::float32, q_.shape()),
      plan_(attention_shape(config, item), execution_),
      all_{{0, plan_.shape.samples}, {0, plan_.shape.num_kv_heads}},
      panels_(execution_.kernels),
      mask_map_(execution_) {
  const optimized::HeadShape head{.capacity = plan_.shape.keys, .head_dim = plan_.shape.head_dim};
  const std::size_t heads = plan_.shape.samples * plan_.shape.num_kv_heads;
  const std::size_t floats = heads * optimized::KeyValuePanels<float>::size_of_head(execution_.kernels, head);
  panels_.place(all_, head, keys_values_.reserve(floats));
  panels_.store(k_, v_, 0);
  workspace_.reserve(plan_.workspace(all_));
}

void AttentionWork::run(optimized::PartTimes* times) {
  const auto rows = [&](Tensor& tensor) {
    return optimized::HeadRows<float>{
        .data = tensor.as<float>().data(),
        .sample_stride = plan_.shape.num_heads * plan_.shape.tokens * plan_.shape.head_dim,
        .token_stride = plan_.shape.head_dim,
        .head_stride = plan_.shape.tokens * plan_.shape.head_dim};
  };
  clock_.start(times);
  mask_map_.build(NoMask{}, plan_, clock_);
  optimized::attend(execution_.kernels,
                    {.plan = plan_,
                     .mask = mask_map_,
                     .q = rows(q_),
                     .out = rows(out_),
                     .keys_values = panels_,
                     .dropout = {},
                     .portion = all_,
                     .workspace = workspace_.data()},
                    clock_);
  clock_.stop();
}

WorkVerdict AttentionWork::verify() {
  const std::int64_t last = q_.dim(0) - 1;
  return judge_attention_work(sample_of(q_, last), sample_of(k_, last), sample_of(v_, last), sample_of(out_, last));
}

std::vector<float> AttentionWork::sampled_output() const {
  const Tensor rows = head_rows_of_tokens(sample_of(out_, 0), sampled_tokens(q_.dim(2)));
  return {rows.as<float>().begin(), rows.as<float>().end()};
}

}  // namespace attest::harness
