#include "optimized/head_projection.h"

#include "fixtures/overloaded.h"

namespace attest::optimized {

Pairing pairing_of(const PosEmbeddings& embedding) {
  return std::visit(overloaded{[](const NoPosEmbeddings&) { return Pairing::none; },
                               [](const RotaryPositionalEmbeddings&) { return Pairing::interleaved; },
                               [](const Llama3ScaledRoPE&) { return Pairing::interleaved; },
                               [](const Phi3RotaryPositionalEmbeddings&) { return Pairing::halves; },
                               [](const Qwen2RotaryPositionalEmbeddings&) { return Pairing::halves; }},
                    embedding);
}

void HeadFinisher::finish(const FinishedBlock& block) const noexcept {
  const std::size_t first_head = block.group.first_column / finishing_.head_dim;
  const std::size_t heads = block.group.columns / finishing_.head_dim;
  SampledClock clock(block.clock);
  for (std::size_t row = 0; row < block.rows; ++row) {
    for (std::size_t head = 0; head < heads; ++head) finish_row(block, row, first_head + head, clock.next());
  }
}

void HeadFinisher::finish_row(const FinishedBlock& block, std::size_t row, std::size_t head,
                              PartClock* clock) const noexcept {
  const HeadFinishing& s = finishing_;
  const std::size_t width = kernels_.panel_width;
  const std::size_t index = block.first_row + row, sample = index / s.tokens, token = index % s.tokens;
  const std::size_t column = head * s.head_dim - block.group.first_column;
  HeadFinish finish;
  if (block.group.bias != nullptr) finish.bias = block.group.bias + column;
  if (s.pairing != Pairing::none) {
    const std::size_t at = static_cast<std::size_t>(s.positions[index]) * (s.head_dim / 2);
    finish.pairing = s.pairing;
    finish.cos = s.tables->cos.as<float>().data() + at;
    finish.sin = s.tables->sin.as<float>().data() + at;
  }
  finish.norm_scale = s.norm_scale;
  finish.norm_eps = s.norm_eps;
  finish.norm_first = s.norm_first;
  finish.clock = clock;
  const std::size_t at = (index * s.heads + head) * s.head_dim;
  if (s.captures.projected != nullptr) finish.after_projection = s.captures.projected + at;
  if (s.captures.rotated != nullptr) finish.after_rotary = s.captures.rotated + at;
  if (s.captures.normalised != nullptr) {
    finish.after_norm = s.captures.normalised + ((sample * s.heads + head) * s.tokens + token) * s.head_dim;
  }

  float* out = store_.rows.data != nullptr ? store_.rows.at(sample, token, head) : block.row_buffer;
  kernels_.finish_head({block.product + row * width, block.rows * width, column, s.head_dim}, finish, out);
  if (store_.keys != nullptr) store_.keys->store_key(sample, head, store_.first_slot + token, out);
  if (store_.values != nullptr) store_.values->store_value(sample, head, store_.first_slot + token, out);
  end_of(clock, Part::layout);
}

void RowFinisher::finish(const FinishedBlock& block) const noexcept {
  const std::size_t width = kernels_.panel_width;
  HeadFinish finish;
  finish.bias = block.group.bias;
  for (std::size_t row = 0; row < block.rows; ++row) {
    float* out = out_ + (block.first_row + row) * out_features_ + block.group.first_column;
    kernels_.finish_head({block.product + row * width, block.rows * width, 0, block.group.columns}, finish, out);
  }
  end_of(block.clock, Part::layout);
}

}  // namespace attest::optimized
