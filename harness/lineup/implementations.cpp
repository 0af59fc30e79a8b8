#include "harness/lineup/implementations.h"

#include <stdexcept>

#include "fixtures/error.h"
#include "harness/machine/process_resources.h"
#include "harness/verdict/unwritten.h"
#include "optimized/multi_head_attention.h"
#include "reference/multi_head_attention.h"

namespace attest::harness {
namespace {

// --- reference -----------------------------------------------------------------------------------------------------

class ReferenceLayer final : public LayerUnderTest {
 public:
  explicit ReferenceLayer(const LayerSpec& layer) : layer_(layer) {}
  Stages forward(const Inputs& inputs) override { return layer_.forward(inputs); }
  void reset_cache() override { layer_.reset_cache(); }
  void fill_cache(const Tensor& k, const Tensor& v) override { layer_.fill_cache(k, v); }

 private:
  reference::MultiHeadAttention<float> layer_;
};

class Reference final : public Implementation {
 public:
  Judged identity() const override { return {Party::reference}; }
  std::string gap(const LayerSpec&) const override { return ""; }
  bool same_bits_alone_and_together() const override { return false; }
  std::unique_ptr<LayerUnderTest> layer(const LayerSpec& layer) const override {
    return std::make_unique<ReferenceLayer>(layer);
  }
  Tensor linear(const LinearInputs& inputs) const override { return reference::linear(inputs); }
  Tensor rotary(const RotaryInputs& inputs) const override { return reference::rotary(inputs); }
  Tensor norm(const NormInputs& inputs) const override { return reference::norm(inputs); }
  Tensor attention(const AttentionInputs& inputs) const override { return reference::attention(inputs); }
};

// --- optimized -----------------------------------------------------------------------------------------------------

std::int64_t out_features(const Config& config) {
  return std::visit([](const Linear& linear) { return linear.out_features; }, config.output_proj);
}

optimized::Resources resources() { return {.threads = threads(), .blocking = {}}; }

class OptimizedLayer final : public LayerUnderTest {
 public:
  OptimizedLayer(const LayerSpec& layer, optimized::Target target)
      : layer_(layer, target, resources()), out_features_(out_features(layer.config)) {}

  Stages forward(const Inputs& inputs) override {
    Shape shape = inputs.x.shape();
    if (!shape.empty()) shape.back() = out_features_;
    Tensor output = unwritten_tensor(std::move(shape));
    Stages stages;
    try {
      layer_.forward(inputs, output, &stages);
    } catch (const InputError&) {
      for (std::int64_t i = 0; i < output.size(); ++i) {
        if (!is_unwritten(output, i)) throw std::logic_error("the call was refused, but its output was written");
      }
      throw;
    }
    stages.insert_or_assign(Stage::output, std::move(output));
    return stages;
  }

  void reset_cache() override { layer_.reset_cache(); }
  void fill_cache(const Tensor& k, const Tensor& v) override { layer_.fill_cache(k, v); }

 private:
  optimized::MultiHeadAttention layer_;
  std::int64_t out_features_;
};

class Optimized final : public Implementation {
 public:
  explicit Optimized(optimized::Target target) : target_(target) {}
  Judged identity() const override { return {Party::optimized, std::string(optimized::name_of(target_))}; }
  std::string gap(const LayerSpec& layer) const override { return optimized::gap(layer); }
  std::unique_ptr<LayerUnderTest> layer(const LayerSpec& layer) const override {
    return std::make_unique<OptimizedLayer>(layer, target_);
  }
  Tensor linear(const LinearInputs& inputs) const override { return optimized::linear(inputs, target_, resources()); }
  Tensor rotary(const RotaryInputs& inputs) const override { return optimized::rotary(inputs, target_); }
  Tensor norm(const NormInputs& inputs) const override { return optimized::norm(inputs, target_); }
  Tensor attention(const AttentionInputs& inputs) const override {
    return optimized::attention(inputs, target_, resources());
  }

 private:
  optimized::Target target_;
};

}  // namespace

std::vector<std::unique_ptr<Implementation>> all_implementations() {
  std::vector<std::unique_ptr<Implementation>> all;
  all.push_back(std::make_unique<Reference>());
  for (const auto& status : optimized::targets()) {
    if (status.usable) all.push_back(std::make_unique<Optimized>(status.target));
  }
  return all;
}

}  // namespace attest::harness
