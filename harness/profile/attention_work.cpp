#include "harness/profile/attention_work.h"

#include "harness/profile/judge_work.h"
#include "harness/profile/named_layer.h"
#include "harness/profile/sampled_rows.h"
#include "optimized/kernel_tables.h"

namespace attest::harness {
namespace {}  // namespace

AttentionWork::AttentionWork(const Config& config, const WorkItem& item, optimized::Target target)
    : config_(config),
      samples_(extent(item.batch)),
      tokens_(extent(item.length)),
      q_(generated_activations(kStreamOfX, {item.batch, config.num_heads, item.length, config.head_dim})),
      k_(generated_activations(kStreamOfX + 1, {item.batch, config.num_kv_heads, item.length, config.head_dim})),
      v_(generated_activations(kStreamOfX + 2, k_.shape())),
      out_(DType::float32, q_.shape()),
      panels_(optimized::kernels_of(target)),
      attention_(optimized::kernels_of(target)) {
  panels_.resize({{0, samples_}, {0, extent(config.num_kv_heads)}}, tokens_, extent(config.head_dim));
  panels_.store(k_, v_, 0);
}

void AttentionWork::run(optimized::PartTimes* times) {
  const std::size_t heads = extent(config_.num_heads), head_dim = extent(config_.head_dim);
  const auto rows = [&](Tensor& tensor) {
    return optimized::HeadRows{tensor.as<float>().data(), heads * tokens_ * head_dim, head_dim, tokens_ * head_dim};
  };
  const optimized::AttentionCall call{.samples = samples_,
                                      .tokens = tokens_,
                                      .num_heads = heads,
                                      .num_kv_heads = extent(config_.num_kv_heads),
                                      .head_dim = head_dim,
                                      .q = rows(q_),
                                      .out = rows(out_),
                                      .keys_values = panels_,
                                      .portion = {{0, samples_}, {0, extent(config_.num_kv_heads)}},
                                      .keys = tokens_,
                                      .empty_slots = 0,
                                      .is_causal = true,
                                      .mask = mask_};
  clock_.start(times);
  attention_.read_mask(call, clock_);
  attention_.run(call, clock_);
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
