#include "optimized/multi_head_attention.h"

#include <algorithm>
#include <array>

#include "fixtures/layer_shapes.h"
#include "fixtures/require.h"
#include "fixtures/validate.h"
#include "optimized/head_projection.h"
#include "optimized/kernel_tables.h"
#include "optimized/layer_cache.h"
#include "optimized/packed_layer.h"
#include "optimized/pass_timer.h"

namespace attest::optimized {
namespace {

std::size_t extent(std::int64_t value) { return static_cast<std::size_t>(value); }

}  // namespace

struct MultiHeadAttention::State {
  State(const LayerSpec& spec, const KernelTable& kernels, std::size_t budget)
      : layer(spec, kernels),
        cache(spec.config, kernels),
        key_value_budget(budget),
        fresh(kernels),
        product(kernels),
        attention(kernels) {}

  void forward(const Inputs& inputs, Tensor& output, Stages* stages, StageTimes* times);

 private:
  HeadFinisher::Settings settings(const Tensor& source, std::int64_t heads, std::span<const std::int64_t> at) const;
  HeadFinisher query_finisher(const Inputs& inputs, std::span<const std::int64_t> at, Stages* stages);
  std::array<HeadFinisher, 2> key_value_finishers(const Tensor& y, std::span<const std::int64_t> at, Stages* stages);
  void resolve(const Inputs& inputs, const Tensor& tokens, std::vector<std::int64_t>& positions) const;
  std::size_t heads_at_once(const Tensor& y) const;
  void check_output(const Inputs& inputs, const Tensor& output) const;
  void attend_projected(const Inputs& inputs, Stages* stages, PassTimer& timer);
  AttentionCall attention_call(const Inputs& inputs) const;
  void record_attention(const Inputs& inputs, Stages& stages) const;
  const Config& config() const { return layer.spec.config; }

 public:
  const PackedLayer layer;
  LayerCache cache;

 private:
  std::size_t key_value_budget;
  KeyValuePanels fresh;  ///< keys and values of a call without a cache, of some heads at a time
  RowProduct product;
  TiledAttention attention;
  AlignedBuffer heads_;  ///< [b, s_x, n_h, h_d]: the queries, then in their place the attention's output
  std::vector<std::int64_t> x_positions_, y_positions_;
  std::vector<GroupTask> tasks_;
  HeadRows head_rows_{};
};

namespace {

/// A new stage tensor, or null where nobody asked.
float* stage(Stages* stages, Stage name, bool exists, std::initializer_list<std::int64_t> shape) {
  if (stages == nullptr || !exists) return nullptr;
  return stages->insert_or_assign(name, Tensor(DType::float32, Shape(shape))).first->second.as<float>().data();
}

void add_tasks(std::vector<GroupTask>& tasks, const PackedLinear& linear, const BlockFinisher& finisher) {
  for (const auto& group : linear.groups()) tasks.push_back({group, &finisher});
}

/// Only columns [first, first + count).
void add_tasks(std::vector<GroupTask>& tasks, const PackedLinear& linear, std::size_t first, std::size_t count,
               const BlockFinisher& finisher) {
  for (const auto& group : linear.groups()) {
    const ColumnGroup part = linear.part_of(group, first, count);
    if (part.columns > 0) tasks.push_back({part, &finisher});
  }
}

RowMatrix rows_of(const Tensor& x) { return {x.as<float>().data(), extent(x.dim(0) * x.dim(1)), extent(x.dim(2))}; }

}  // namespace

HeadFinisher::Settings MultiHeadAttention::State::settings(const Tensor& source, std::int64_t heads,
                                                           std::span<const std::int64_t> at) const {
  HeadFinisher::Settings settings;
  settings.tokens = extent(source.dim(1));
  settings.heads = extent(heads);
  settings.head_dim = layer.head_dim;
  settings.pairing = pairing_of(config().pos_embeddings);
  settings.tables = layer.spec.tables ? &*layer.spec.tables : nullptr;
  settings.positions = at;
  return settings;
}

HeadFinisher MultiHeadAttention::State::query_finisher(const Inputs& inputs, std::span<const std::int64_t> at,
                                                       Stages* stages) {
  const Config& config = this->config();
  const std::int64_t b = inputs.x.dim(0), s = inputs.x.dim(1), n = config.num_heads, h_d = config.head_dim;
  auto query = settings(inputs.x, n, at);
  query.norm_scale = layer.q_norm.scale_or_null();
  query.norm_eps = layer.q_norm.eps;
  const HeadCaptures captures{
      .projected = stage(stages, Stage::q_proj, true, {b, s, n * h_d}),
      .rotated = stage(stages, Stage::q_rope, query.pairing != Pairing::none, {b, s, n, h_d}),
      .normalised = stage(stages, Stage::q_norm, query.norm_scale != nullptr, {b, n, s, h_d}),
  };
  return {layer.kernels, query, {.rows = &head_rows_}, captures};
}

std::array<HeadFinisher, 2> MultiHeadAttention::State::key_value_finishers(const Tensor& y,
                                                                           std::span<const std::int64_t> at,
                                                                           Stages* stages) {
  const Config& config = this->config();
  const std::int64_t b = y.dim(0), s = y.dim(1), n = config.num_kv_heads, h_d = config.head_dim;
  auto key = settings(y, n, at);
  auto value = key;
  value.pairing = Pairing::none;
  key.norm_scale = layer.k_norm.scale_or_null();
  key.norm_eps = layer.k_norm.eps;
  const HeadCaptures captures{
      .projected = stage(stages, Stage::k_proj, true, {b, s, n * h_d}),
      .rotated = stage(stages, Stage::k_rope, key.pairing != Pairing::none, {b, s, n, h_d}),
      .normalised = stage(stages, Stage::k_norm, key.norm_scale != nullptr, {b, n, s, h_d}),
  };
  KeyValuePanels& store = cache.enabled() ? cache.panels() : fresh;
  const std::size_t first = cache.enabled() ? cache.filled() : 0;
  const HeadCaptures value_captures{.projected = stage(stages, Stage::v_proj, true, {b, s, n * h_d})};
  return {HeadFinisher(layer.kernels, key, {.keys = &store, .first_slot = first}, captures),
          HeadFinisher(layer.kernels, value, {.values = &store, .first_slot = first}, value_captures)};
}

/// Key/value heads whose keys and values fit the budget together, at least the fewest that the projections can
/// separate.
std::size_t MultiHeadAttention::State::heads_at_once(const Tensor& y) const {
  const std::size_t separable = layer.k_proj.separable_columns() / layer.head_dim;
  const std::size_t fit = key_value_budget / fresh.bytes_a_head(extent(y.dim(0)), extent(y.dim(1)), layer.head_dim);
  return std::clamp(fit / separable * separable, separable, std::max(separable, layer.all_heads().count));
}

/// The positions of a tensor's tokens, if anything is rotated.
void MultiHeadAttention::State::resolve(const Inputs& inputs, const Tensor& tokens,
                                        std::vector<std::int64_t>& positions) const {
  const auto rotary = rotary_extent(config().pos_embeddings);
  if (!rotary) return;
  const Tensor* input_pos = inputs.input_pos ? &*inputs.input_pos : nullptr;
  resolve_positions(input_pos, tokens.dim(0), tokens.dim(1), rotary->max_seq_len, positions);
}

/// q, k and v in one pass over x where y is x, then attention. Keys and values go into the cache; without one, into
/// `fresh`, and where there are too many, some heads are projected and attended after others.
void MultiHeadAttention::State::attend_projected(const Inputs& inputs, Stages* stages, PassTimer& timer) {
  resolve(inputs, inputs.x, x_positions_);
  const HeadFinisher query = query_finisher(inputs, x_positions_, stages);
  tasks_.clear();
  add_tasks(tasks_, layer.q_proj, query);
  const Tensor* y = key_value_input(inputs);
  if (y != &inputs.x) product.run(rows_of(inputs.x), tasks_);
  if (y == nullptr) {
    timer.end_of(&StageTimes::projections);
    attention.run(attention_call(inputs));
    return timer.end_of(&StageTimes::attention);
  }
  if (y != &inputs.x) tasks_.clear();
  const bool cached = cache.enabled();
  resolve(inputs, *y, y_positions_);
  const auto finishers = key_value_finishers(*y, y_positions_, stages);
  const std::size_t heads = layer.all_heads().count, step = cached ? heads : heads_at_once(*y);
  for (std::size_t first = 0; first < heads; first += step) {
    const std::size_t count = std::min(step, heads - first);
    if (!cached) fresh.resize(extent(y->dim(0)), {first, count}, extent(y->dim(1)), layer.head_dim);
    add_tasks(tasks_, layer.k_proj, first * layer.head_dim, count * layer.head_dim, finishers[0]);
    add_tasks(tasks_, layer.v_proj, first * layer.head_dim, count * layer.head_dim, finishers[1]);
    product.run(rows_of(*y), tasks_);
    tasks_.clear();
    if (cached) cache.advance(extent(y->dim(1)));
    timer.end_of(&StageTimes::projections);
    attention.run(attention_call(inputs));
    timer.end_of(&StageTimes::attention);
  }
}

/// torchtune attends every slot of an enabled cache. Without a mask, those not yet filled all weigh exp(0).
AttentionCall MultiHeadAttention::State::attention_call(const Inputs& inputs) const {
  const Config& config = this->config();
  const bool cached = cache.enabled();
  const std::size_t seen = extent(key_count(config, inputs));
  const std::size_t read = cached && std::holds_alternative<NoMask>(inputs.mask) ? cache.filled() : seen;
  return {.samples = extent(inputs.x.dim(0)),
          .tokens = extent(inputs.x.dim(1)),
          .num_heads = extent(config.num_heads),
          .num_kv_heads = extent(config.num_kv_heads),
          .head_dim = layer.head_dim,
          .q = head_rows_,
          .out = head_rows_,
          .keys_values = cached ? cache.panels() : fresh,
          .keys = read,
          .empty_slots = seen - read,
          .is_causal = attends_causally(config, inputs),
          .mask = inputs.mask};
}

void MultiHeadAttention::State::record_attention(const Inputs& inputs, Stages& stages) const {
  const std::int64_t b = inputs.x.dim(0), s = inputs.x.dim(1), n = config().num_heads;
  float* out = stage(&stages, Stage::attention, true, {b, n, s, config().head_dim});
  for (std::size_t i = 0; i < extent(b * n * s); ++i) {
    const std::size_t token = i % extent(s), head = i / extent(s) % extent(n), sample = i / extent(s) / extent(n);
    std::copy_n(head_rows_.at(sample, token, head), layer.head_dim, out + i * layer.head_dim);
  }
  if (cache.enabled()) {
    stages.insert_or_assign(Stage::k_cache, cache.panels().keys_tensor());
    stages.insert_or_assign(Stage::v_cache, cache.panels().values_tensor());
  }
}

void MultiHeadAttention::State::check_output(const Inputs& inputs, const Tensor& output) const {
  const std::array wanted{inputs.x.dim(0), inputs.x.dim(1),
                          static_cast<std::int64_t>(layer.output_proj.out_features())};
  require(
      std::ranges::equal(output.shape(), wanted) && output.dtype() == DType::float32, "output",
      [&] { return "float32 " + to_string(Shape(wanted.begin(), wanted.end())); },
      [&] { return std::string(name_of(output.dtype())) + " " + to_string(output.shape()); });
}

void MultiHeadAttention::State::forward(const Inputs& inputs, Tensor& output, Stages* stages, StageTimes* times) {
  PassTimer timer(times);
  validate_call(layer.spec, inputs, static_cast<std::int64_t>(cache.filled()), MaskBytes::left_to_the_caller);
  check_output(inputs, output);
  attention.read_mask(attention_call(inputs));
  const std::size_t rows = extent(inputs.x.dim(0) * inputs.x.dim(1)), width = layer.q_proj.out_features();
  // Queries and the attention's output live in `output` where they fit: the last projection packs a block of rows
  // before it writes them.
  float* out = output.as<float>().data();
  float* heads = width == layer.output_proj.out_features() ? out : heads_.reserve(rows * width);
  head_rows_ = {heads, extent(inputs.x.dim(1)) * width, width, layer.head_dim};
  timer.end_of(&StageTimes::checks);
  attend_projected(inputs, stages, timer);
  if (stages != nullptr) record_attention(inputs, *stages);
  const RowFinisher finisher(layer.kernels, out, layer.output_proj.out_features());
  tasks_.clear();
  add_tasks(tasks_, layer.output_proj, finisher);
  product.run({heads, rows, width}, tasks_);
  timer.end_of(&StageTimes::output_projection);
  if (stages != nullptr) stages->insert_or_assign(Stage::output, output);
}

MultiHeadAttention::MultiHeadAttention(const LayerSpec& layer, Target target, std::size_t key_value_budget)
    : state_(std::make_unique<State>(layer, kernels_of(target), key_value_budget)) {}

MultiHeadAttention::~MultiHeadAttention() = default;

void MultiHeadAttention::forward(const Inputs& inputs, Tensor& output, Stages* stages, StageTimes* times) {
  state_->forward(inputs, output, stages, times);
}

void MultiHeadAttention::fill_cache(const Tensor& k, const Tensor& v) { state_->cache.fill(k, v); }

void MultiHeadAttention::rewind_cache(std::int64_t tokens) { state_->cache.rewind(tokens); }

void MultiHeadAttention::reset_cache() { state_->cache.clear(); }

}  // namespace attest::optimized
