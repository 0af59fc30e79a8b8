#include "harness/command/case_text.h"

#include <fmt/format.h>

#include "fixtures/config_fields.h"
#include "fixtures/printable.h"

namespace attest::harness {
namespace {

struct PositionText {
  std::string operator()(const NoPosEmbeddings&) const { return "none"; }
  std::string operator()(const RotaryPositionalEmbeddings& p) const { return text("RotaryPositionalEmbeddings", p); }
  std::string operator()(const Phi3RotaryPositionalEmbeddings& p) const {
    return text("Phi3RotaryPositionalEmbeddings", p);
  }
  std::string operator()(const Qwen2RotaryPositionalEmbeddings& p) const {
    return text("Qwen2RotaryPositionalEmbeddings", p);
  }
  std::string operator()(const Llama3ScaledRoPE& p) const {
    return text("Llama3ScaledRoPE", p) +
           fmt::format(" scale_factor {} old_context_len {}", p.scale_factor, p.old_context_len);
  }
  template <class Rotary>
  static std::string text(std::string_view name, const Rotary& p) {
    return fmt::format("{} dim {} max_seq_len {} base {}", name, p.dim, p.max_seq_len, p.base);
  }
};

std::string norm_text(const Norm& norm) {
  struct Text {
    std::string operator()(const NoNorm&) const { return "none"; }
    std::string operator()(const RMSNorm& n) const { return fmt::format("RMSNorm dim {} eps {}", n.dim, n.eps); }
  };
  return std::visit(Text{}, norm);
}

std::string cache_text(const KVCacheConfig& cache) {
  struct Text {
    std::string operator()(const NoKVCache&) const { return "none"; }
    std::string operator()(const KVCache& c) const {
      return fmt::format("batch_size {} max_seq_len {} {}", c.batch_size, c.max_seq_len,
                         c.enabled ? "enabled" : "not enabled");
    }
  };
  return std::visit(Text{}, cache);
}

std::string config_text(const Config& config) {
  std::string text;
  text += fmt::format(
      "  dtype           {}\n  embed_dim       {}\n  num_heads       {}\n  num_kv_heads    {}\n  head_dim        {}\n",
      name_of(config.dtype), config.embed_dim, config.num_heads, config.num_kv_heads, config.head_dim);
  text += fmt::format("  max_seq_len     {}\n  is_causal       {}\n  attn_dropout    {}\n  training        {}\n",
                      config.max_seq_len, config.is_causal, config.attn_dropout, config.training);
  text += fmt::format("  pos_embeddings  {}\n  q_norm          {}\n  k_norm          {}\n  kv_cache        {}\n",
                      std::visit(PositionText{}, config.pos_embeddings), norm_text(config.q_norm),
                      norm_text(config.k_norm), cache_text(config.kv_cache));
  if (config.scale) text += fmt::format("  scale           {}\n", *config.scale);
  if (config.norm_order != NormOrder{})
    text += fmt::format("  norm_order      {}\n", kNormOrders[static_cast<std::size_t>(config.norm_order)]);
  if (config.flex_attention) text += "  flex_attention  true\n";
  return text;
}

std::string step_text(const Step& step, std::size_t index) {
  std::string text = fmt::format("step {:03}: x {}", index, to_string(step.inputs.x.shape()));
  if (std::holds_alternative<SameAsX>(step.inputs.y)) text += ", y is x";
  if (std::holds_alternative<AbsentY>(step.inputs.y)) text += ", y absent";
  if (const auto* y = std::get_if<Tensor>(&step.inputs.y)) text += ", y " + to_string(y->shape());
  if (step.reset_cache) text += ", after reset_cache()";
  if (step.sampled) {
    text += "; of (sample, token)";
    for (const auto& [sample, token] : step.sampled->tokens) text += fmt::format(" ({}, {})", sample, token);
  }
  if (step.error) {
    const char* where = step.error->where == RaisedError::Where::constructor ? "the constructor" : "forward";
    text += fmt::format(", {} raises {}({}), field {}", where, step.error->type, printable(step.error->message),
                        step.error->field);
  }
  return text + "\n";
}

}  // namespace

std::vector<NamedTensor> tensors_of(const Case& item) {
  std::vector<NamedTensor> tensors;
  for (const auto& [name, weight] : item.layer.weights) tensors.push_back({"/weights/" + name, &weight});
  if (item.layer.tables) {
    tensors.push_back({"/tables/theta", &item.layer.tables->theta});
    tensors.push_back({"/tables/cos", &item.layer.tables->cos});
    tensors.push_back({"/tables/sin", &item.layer.tables->sin});
  }
  for (std::size_t i = 0; i < item.steps.size(); ++i) {
    const std::string step = fmt::format("/steps/{:03}", i);
    for (const auto& [name, tensor] : given_tensors(item.steps[i].inputs)) {
      tensors.push_back({fmt::format("{}/inputs/{}", step, name), tensor});
    }
    for (const auto& [stage, tensor] : item.steps[i].expected) {
      tensors.push_back({fmt::format("{}/expected/{}", step, name_of(stage)), &tensor});
    }
    for (const auto& [stage, tensor] : item.steps[i].truth) {
      tensors.push_back({fmt::format("{}/truth/{}", step, name_of(stage)), &tensor});
    }
  }
  return tensors;
}

std::string shape_text(const Config& config) {
  return fmt::format("{} d {} heads {}/{} of {}", name_of(config.dtype), config.embed_dim, config.num_heads,
                     config.num_kv_heads, config.head_dim);
}

std::string full_text(const Case& item) {
  std::string text = fmt::format("{}\n  {}\n  family          {}\n", item.name, item.description, item.family);
  text += config_text(item.layer.config);
  for (std::size_t i = 0; i < item.steps.size(); ++i) text += step_text(item.steps[i], i);
  text += "tensors\n";
  for (const auto& [path, tensor] : tensors_of(item)) {
    text += fmt::format("  {:<36} {:<9} {}\n", path, name_of(tensor->dtype()), to_string(tensor->shape()));
  }
  text += "provenance\n";
  for (const auto& [key, value] : item.provenance) text += fmt::format("  {:<24} {}\n", key, value);
  return text;
}

}  // namespace attest::harness
