#include "reference/arrays.h"
#include "reference/attention.h"
#include "reference/linear.h"
#include "reference/multi_head_attention.h"
#include "reference/rms_norm.h"
#include "reference/rotary.h"

/// The single stages of multi_head_attention.h: recorded inputs in, the stage's own function, one rounding, out.
namespace attest::reference {

Tensor linear(const LinearInputs& inputs) {
  return to_tensor(linear(to_array<float>(inputs.x), linear_parameters<float>(inputs)), inputs.x.dtype());
}

Tensor rotary(const RotaryInputs& inputs) {
  const Array<float> x = to_array<float>(inputs.x);
  const auto embedding = rotary_embedding<float>(inputs.embedding, &inputs.tables, inputs.x.dtype());
  const auto rotation = rotation_at(*embedding, inputs.input_pos, inputs.x.dim(0), inputs.x.dim(1));
  return to_tensor(rotary(x, rotation), inputs.x.dtype());
}

Tensor norm(const NormInputs& inputs) {
  const auto parameters = rms_norm_parameters<float>(inputs.norm, inputs.scale);
  return to_tensor(rms_norm(to_array<float>(inputs.x), parameters), inputs.x.dtype());
}

Tensor attention(const AttentionInputs& inputs) {
  return to_tensor(attention(attention_call<float>(inputs)), inputs.q.dtype());
}

}  // namespace attest::reference
