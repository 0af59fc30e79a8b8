#include "harness/profile/layer_work.h"

#include <algorithm>

#include "fixtures/block_mask.h"
#include "fixtures/packed_documents.h"
#include "harness/profile/judge_work.h"
#include "harness/profile/named_layer.h"
#include "harness/profile/sampled_rows.h"

namespace attest::harness {
namespace {

constexpr std::int64_t kChunk = 512;  // tokens a call that fills the cache

/// [b, s]; packed documents count their positions from their own begin.
Tensor positions_of(const WorkItem& item) {
  Tensor positions(DType::int64, {item.batch, new_tokens(item)});
  for (std::int64_t i = 0; i < positions.size(); ++i) {
    positions.as<std::int64_t>()[extent(i)] = filled_before(item) + i % item.length;
  }
  return positions;
}

/// As torchtune's recipes pass it: causal in a cache.
BoolMask causal_mask(const WorkItem& item) {
  Tensor mask(DType::boolean, {1, new_tokens(item), item.slots});
  for (std::int64_t i = 0; i < new_tokens(item); ++i) {
    std::fill_n(mask.as<std::uint8_t>().subspan(extent(i * item.slots)).begin(), filled_before(item) + i + 1,
                std::uint8_t{1});
  }
  return {std::move(mask)};
}

/// As flex_attention takes them, of one sample for all.
BlockMask block_mask(const WorkItem& item) {
  constexpr BlockSize kBlock{128, 128};
  const std::int64_t s = new_tokens(item);
  WorkItem sample = item;
  sample.batch = 1;
  const Tensor rows = block_causal_mask(documents_from_positions(positions_of(sample), s));
  Tensor dense(DType::boolean, {1, 1, s, s});
  std::ranges::copy(rows.bytes(), dense.bytes().begin());
  return block_mask_of(dense, kBlock);
}

Mask mask_of(const WorkItem& item) {
  switch (item.kind) {
    case WorkKind::prefill:
    case WorkKind::cross:
    case WorkKind::attention:
      return NoMask{};
    case WorkKind::cached:
    case WorkKind::decode:
      return causal_mask(item);
    case WorkKind::packed:
      return BoolMask{block_causal_mask(documents_from_positions(positions_of(item), new_tokens(item)))};
    case WorkKind::documents:
      return documents_from_positions(positions_of(item), new_tokens(item));
    case WorkKind::blocks:
      return block_mask(item);
  }
  return NoMask{};
}

Inputs inputs_of(const WorkItem& item, const Config& config) {
  const auto tokens = [&](std::uint64_t stream, std::int64_t count) {
    return generated_activations(stream, {item.batch, count, config.embed_dim});
  };
  Inputs inputs{tokens(kStreamOfX, new_tokens(item)), SameAsX{}, mask_of(item), {}};
  if (item.others > 0) inputs.y = tokens(kStreamOfX + 1, item.others);
  if (!std::holds_alternative<NoMask>(inputs.mask)) inputs.input_pos = positions_of(item);
  return inputs;
}

std::int64_t outputs_of(const Config& config) { return std::get<Linear>(config.output_proj).out_features; }

std::int64_t rows_of_tables(const WorkItem& item) { return std::max({item.length, item.slots, kChunk}); }

}  // namespace

LayerWork::LayerWork(const ProfiledLayer& layer, const WorkItem& item, optimized::Target target,
                     const optimized::Resources& resources)
    : item_(item),
      spec_(layer_for(layer, item, rows_of_tables(item))),
      layer_(spec_, target, resources),
      inputs_(inputs_of(item, spec_.config)),
      output_(DType::float32, {item.batch, new_tokens(item), outputs_of(spec_.config)}) {
  fill_cache();
}

/// Keys and values come from y, so that of each chunk only one query has to be computed; it may see nothing.
void LayerWork::fill_cache() {
  Tensor nothing(DType::float32, {item_.batch, 1, outputs_of(spec_.config)});
  std::uint64_t stream = kStreamOfCached;
  for (std::int64_t filled = 0; filled < filled_before(item_); filled += kChunk, ++stream) {
    const std::int64_t count = std::min(kChunk, filled_before(item_) - filled);
    const Inputs chunk{generated_activations(kStreamOfX, {item_.batch, 1, spec_.config.embed_dim}),
                       generated_activations(stream, {item_.batch, count, spec_.config.embed_dim}),
                       BoolMask{Tensor(DType::boolean, {1, 1, item_.slots})},
                       {}};
    layer_.forward(chunk, nothing);
  }
}

void LayerWork::restore() {
  if (item_.slots > 0 && holds_call_) layer_.rewind_cache(new_tokens(item_));
  holds_call_ = false;
}

void LayerWork::run(optimized::PartTimes* times) {
  layer_.forward(inputs_, output_, nullptr, times);
  holds_call_ = true;
}

WorkVerdict LayerWork::verify() {
  const Tensor timed = output_;
  restore();
  Stages stages;
  layer_.forward(inputs_, output_, &stages);
  holds_call_ = true;
  return judge_layer_work({spec_, inputs_, filled_before(item_)}, timed, stages);
}

std::vector<float> LayerWork::sampled_output() const {
  const Tensor rows = rows_of_tokens(sample_of(output_, 0), sampled_tokens(new_tokens(item_)));
  return {rows.as<float>().begin(), rows.as<float>().end()};
}

}  // namespace attest::harness
