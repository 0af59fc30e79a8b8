#include "harness/laws/evidence.h"

#include <bit>

#include "harness/draw/drawn_layer.h"
#include "harness/draw/judge_draw.h"
#include "harness/judge/input_guard.h"

namespace attest::harness {
namespace {

/// Mixes what passes through, in order.
class Witness {
 public:
  Tensor saw(Tensor tensor) {
    mixed_ = std::rotl(mixed_, 11) * 0x9E3779B97F4A7C15u + fingerprint_of(tensor);
    return tensor;
  }
  std::uint64_t mixed() const { return mixed_; }

 private:
  std::uint64_t mixed_ = 0;
};

class WitnessedLayer final : public LayerUnderTest {
 public:
  WitnessedLayer(std::unique_ptr<LayerUnderTest> layer, Witness& witness)
      : layer_(std::move(layer)), witness_(witness) {}
  Stages forward(const Inputs& inputs) override {
    Stages stages = layer_->forward(inputs);
    for (auto& [stage, tensor] : stages) tensor = witness_.saw(std::move(tensor));
    return stages;
  }
  void reset_cache() override { layer_->reset_cache(); }
  void fill_cache(const Tensor& k, const Tensor& v) override { layer_->fill_cache(k, v); }

 private:
  std::unique_ptr<LayerUnderTest> layer_;
  Witness& witness_;
};

/// An implementation whose answers are witnessed.
class Witnessed final : public Implementation {
 public:
  Witnessed(const Implementation& implementation, Witness& witness)
      : implementation_(implementation), witness_(witness) {}

  Judged identity() const override { return implementation_.identity(); }
  std::string gap(const LayerSpec& layer) const override { return implementation_.gap(layer); }
  bool same_bits_alone_and_together() const override { return implementation_.same_bits_alone_and_together(); }
  std::unique_ptr<LayerUnderTest> layer(const LayerSpec& layer) const override {
    return std::make_unique<WitnessedLayer>(implementation_.layer(layer), witness_);
  }
  Tensor linear(const LinearInputs& inputs) const override { return witness_.saw(implementation_.linear(inputs)); }
  Tensor rotary(const RotaryInputs& inputs) const override { return witness_.saw(implementation_.rotary(inputs)); }
  Tensor norm(const NormInputs& inputs) const override { return witness_.saw(implementation_.norm(inputs)); }
  Tensor attention(const AttentionInputs& inputs) const override {
    return witness_.saw(implementation_.attention(inputs));
  }
  Declaration declaration() const override { return implementation_.declaration(); }
  const Confinement* confinement() const override { return implementation_.confinement(); }
  std::string printed() const override { return implementation_.printed(); }
  bool turn_to_other_answers() const override { return implementation_.turn_to_other_answers(); }
  std::string condition_of_answers() const override { return implementation_.condition_of_answers(); }

 private:
  const Implementation& implementation_;
  Witness& witness_;
};

LawVerdict guarded_check(const Law& law, const Implementation& implementation, const CaseDraw& draw) {
  try {
    return law.check(implementation, draw);
  } catch (const NoAnswer& none) {
    return {none.verdict, 0, none.what()};
  } catch (const std::exception& error) {
    return {Status::failed, 0, std::string("an exception: ") + error.what()};
  }
}

}  // namespace

Evidence try_law(const Law& law, const Implementation& implementation, const CaseDraw& draw) {
  Evidence evidence{&law, implementation.identity(), law.fit(draw), {}};
  if (evidence.draw.alone) {
    evidence.inputs = fingerprint_of(drawn_attention(evidence.draw));
  } else {
    evidence.inputs = fingerprint_of_inputs(drawn_calls(evidence.draw).item);
  }
  if (const std::string gap = implementation.gap(drawn_layer(evidence.draw)); !gap.empty()) {
    evidence.verdict = {Status::skipped, 0, gap};
    return evidence;
  }
  Witness witness;
  evidence.verdict = guarded_check(law, Witnessed(implementation, witness), evidence.draw);
  evidence.outputs = witness.mixed();
  return evidence;
}

}  // namespace attest::harness
