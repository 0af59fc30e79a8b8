#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "fixtures/case.h"
#include "fixtures/stage_inputs.h"
#include "harness/judge/confinement.h"
#include "harness/judge/declaration.h"
#include "harness/verdict/judgement.h"

/// What the judge judges: a way to compute a layer and its single stages.
namespace attest::harness {

/// Thrown instead of an answer, with the verdict on the call: `skipped` for a gap that shows only when it is called,
/// `failed` where it ended in a way that is no refusal of its arguments (that is an InputError): a crash, a time-out.
class NoAnswer : public std::runtime_error {
 public:
  NoAnswer(Status its_verdict, const std::string& sentence, Gap its_gap = Gap::none)
      : std::runtime_error(sentence), verdict(its_verdict), gap(its_gap) {}
  Status verdict;
  Gap gap;
};

/// One constructed layer; it keeps its cache between calls.
class LayerUnderTest {
 public:
  virtual ~LayerUnderTest() = default;
  /// Every stage it can give, at least `output`, in the layer's dtype. Throws InputError.
  virtual Stages forward(const Inputs& inputs) = 0;
  virtual void reset_cache() = 0;
  /// Appends to the cache what a call would have left there: keys and values [b, n_kv, s, h_d]. There must be room.
  virtual void fill_cache(const Tensor& k, const Tensor& v) = 0;
};

class Implementation {
 public:
  virtual ~Implementation() = default;

  virtual Judged identity() const = 0;

  /// A declared gap: why this layer cannot be computed by this implementation; empty if it can.
  virtual std::string gap(const LayerSpec& layer) const = 0;

  /// Whether a token gets the same bits however many are computed with it: not where a BLAS, which picks its kernel by
  /// the shape of the product, does the projections.
  virtual bool same_bits_alone_and_together() const { return true; }

  virtual std::unique_ptr<LayerUnderTest> layer(const LayerSpec& layer) const = 0;
  virtual Tensor linear(const LinearInputs& inputs) const = 0;
  virtual Tensor rotary(const RotaryInputs& inputs) const = 0;
  virtual Tensor norm(const NormInputs& inputs) const = 0;
  virtual Tensor attention(const AttentionInputs& inputs) const = 0;

  virtual Declaration declaration() const { return {}; }
  /// By whose budget it is judged.
  reference::ScoreStorage score_storage() const { return declaration().scores; }
  /// How it is kept away from the harness; null for what runs in its process.
  virtual const Confinement* confinement() const { return nullptr; }
  /// The last lines that its last call printed, each in quotes; empty where nothing is known of that.
  virtual std::string printed() const { return ""; }

  /// Some answers depend on more than the inputs: a library's on where its buffers lie. False if all those given since
  /// the last false were the only ones; else, from now on, others are given to the same questions.
  virtual bool turn_to_other_answers() const { return false; }
  /// What sets those that are now given apart: "with 3 threads"; empty where there are no others.
  virtual std::string condition_of_answers() const { return ""; }
};

}  // namespace attest::harness
