#include "optimized/multi_head_attention.h"

#include <algorithm>
#include <array>
#include <optional>

#include "fixtures/layer_shapes.h"
#include "fixtures/require.h"
#include "fixtures/validate.h"
#include "optimized/kernel_tables.h"
#include "optimized/layer_cache.h"
#include "optimized/layer_finishers.h"
#include "optimized/packed_layer.h"

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

  void forward(const Inputs& inputs, Tensor& output, Stages* stages, PartTimes* times);

 private:
  void resolve(const Inputs& inputs, const Tensor& tokens, std::vector<std::int64_t>& positions) const;
  struct Call;
  Call prepare(const Inputs& inputs, Tensor& output, Stages* stages);
  std::size_t samples_at_once(const Inputs& inputs) const;
  std::size_t heads_at_once(const Inputs& inputs) const;
  void check_output(const Inputs& inputs, const Tensor& output) const;
  void forward_samples(const Call& call, Range samples);
  void place_queries(const Call& call, Range samples);
  void project(const Call& call, const Portion& portion);
  AttentionCall attention_call(const Inputs& inputs, const Portion& portion) const;
  void record_attention(const Range& samples, std::size_t tokens, float* out) const;
  const Config& config() const { return layer.spec.config; }

 public:
  const PackedLayer layer;
  LayerCache cache;

 private:
  std::size_t key_value_budget;
  KeyValuePanels fresh;  ///< keys and values of a call without a cache, of a portion at a time
  RowProduct product;
  TiledAttention attention;
  AlignedBuffer heads_;  ///< [samples at once, s_x, n_h, h_d]: queries that are wider than the output
  std::vector<std::int64_t> x_positions_, y_positions_;
  std::vector<GroupTask> tasks_;
  HeadRows head_rows_{};
  CallClock clock_;
};

namespace {

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

RowMatrix rows_of(const Tensor& x, Range samples) {
  const std::size_t tokens = extent(x.dim(1)), width = extent(x.dim(2)), first = samples.first * tokens;
  return {x.as<float>().data() + first * width, samples.count * tokens, width, width, first};
}

}  // namespace

/// One call, and what becomes of its projections.
struct MultiHeadAttention::State::Call {
  const Inputs& inputs;
  float* out;
  HeadFinisher query;
  std::optional<KeyValueFinishers> key_value;  ///< without y: none
  float* attention;                            ///< stage [b, n_h, s_x, h_d], or null
};

/// Samples whose keys and values fit the budget, together with the queries that do not fit in the output; at least one.
std::size_t MultiHeadAttention::State::samples_at_once(const Inputs& inputs) const {
  const std::size_t samples = extent(inputs.x.dim(0)), width = layer.q_proj.out_features();
  std::size_t bytes = width > layer.output_proj.out_features() ? extent(inputs.x.dim(1)) * width * sizeof(float) : 0;
  if (const Tensor* y = key_value_input(inputs); y != nullptr && !cache.enabled()) {
    bytes += extent(config().num_kv_heads) * fresh.bytes_a_head(extent(y->dim(1)), layer.head_dim);
  }
  return bytes == 0 ? samples : std::clamp<std::size_t>(key_value_budget / bytes, 1, samples);
}

/// Key/value heads of one sample whose keys and values fit the budget, at least the fewest that the projections can
/// separate. All of them where they fit (so wherever several samples do), or a cache holds them anyway.
std::size_t MultiHeadAttention::State::heads_at_once(const Inputs& inputs) const {
  const std::size_t all = extent(config().num_kv_heads);
  const Tensor* y = key_value_input(inputs);
  if (y == nullptr || cache.enabled()) return all;
  const std::size_t separable = layer.k_proj.separable_columns() / layer.head_dim;
  const std::size_t fit = key_value_budget / fresh.bytes_a_head(extent(y->dim(1)), layer.head_dim);
  return fit >= all ? all : std::max(fit / separable * separable, separable);
}

/// The positions of a tensor's tokens, if anything is rotated.
void MultiHeadAttention::State::resolve(const Inputs& inputs, const Tensor& tokens,
                                        std::vector<std::int64_t>& positions) const {
  const auto rotary = rotary_extent(config().pos_embeddings);
  if (!rotary) return;
  const Tensor* input_pos = inputs.input_pos ? &*inputs.input_pos : nullptr;
  resolve_positions(input_pos, tokens.dim(0), tokens.dim(1), rotary->max_seq_len, positions);
}

MultiHeadAttention::State::Call MultiHeadAttention::State::prepare(const Inputs& inputs, Tensor& output,
                                                                   Stages* stages) {
  const Tensor& x = inputs.x;
  resolve(inputs, x, x_positions_);
  Call call{
      inputs, output.as<float>().data(), query_finisher(layer, x, x_positions_, &head_rows_, stages), {}, nullptr};
  if (const Tensor* y = key_value_input(inputs)) {
    resolve(inputs, *y, y_positions_);
    const KeyValueSlots slots{cache.enabled() ? &cache.panels() : &fresh, cache.filled()};
    call.key_value.emplace(key_value_finishers(layer, *y, y_positions_, slots, stages));
  }
  call.attention = stage(stages, Stage::attention, true, {x.dim(0), config().num_heads, x.dim(1), config().head_dim});
  return call;
}

/// Projects the portion's keys and values, into the cache or `fresh`, and before its first heads all queries of its
/// samples: in one pass over x where y is x.
void MultiHeadAttention::State::project(const Call& call, const Portion& portion) {
  const Tensor& x = call.inputs.x;
  const Tensor* y = key_value_input(call.inputs);
  tasks_.clear();
  if (portion.heads.first == 0) {
    add_tasks(tasks_, layer.q_proj, call.query);
    if (y != &x) {
      product.run(rows_of(x, portion.samples), tasks_, Part::projections, clock_);
      tasks_.clear();
    }
  }
  if (y == nullptr) return;
  if (!cache.enabled()) fresh.resize(portion, extent(y->dim(1)), layer.head_dim);
  const std::size_t first = portion.heads.first * layer.head_dim, count = portion.heads.count * layer.head_dim;
  add_tasks(tasks_, layer.k_proj, first, count, call.key_value->keys);
  add_tasks(tasks_, layer.v_proj, first, count, call.key_value->values);
  product.run(rows_of(*y, portion.samples), tasks_, Part::projections, clock_);
}

/// torchtune attends every slot of an enabled cache. Without a mask, those not yet filled all weigh exp(0).
AttentionCall MultiHeadAttention::State::attention_call(const Inputs& inputs, const Portion& portion) const {
  const Config& config = this->config();
  const bool cached = cache.enabled();
  const Tensor* y = key_value_input(inputs);
  const std::size_t seen = extent(key_count(config, inputs)), added = y == nullptr ? 0 : extent(y->dim(1));
  const std::size_t read = cached && std::holds_alternative<NoMask>(inputs.mask) ? cache.filled() + added : seen;
  return {.samples = extent(inputs.x.dim(0)),
          .tokens = extent(inputs.x.dim(1)),
          .num_heads = extent(config.num_heads),
          .num_kv_heads = extent(config.num_kv_heads),
          .head_dim = layer.head_dim,
          .q = head_rows_,
          .out = head_rows_,
          .keys_values = cached ? cache.panels() : fresh,
          .portion = portion,
          .keys = read,
          .empty_slots = seen - read,
          .is_causal = attends_causally(config, inputs),
          .mask = inputs.mask};
}

/// out [b, n_h, s_x, h_d], of these samples.
void MultiHeadAttention::State::record_attention(const Range& samples, std::size_t tokens, float* out) const {
  const std::size_t heads = extent(config().num_heads), rows = heads * tokens;
  for (std::size_t i = samples.first * rows; i < (samples.first + samples.count) * rows; ++i) {
    const float* row = head_rows_.at(i / rows, i % tokens, i / tokens % heads);
    std::copy_n(row, layer.head_dim, out + i * layer.head_dim);
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

/// Queries, and in their place the attention's output, live in `output` where they fit: the last projection packs a
/// block of rows before it writes them.
void MultiHeadAttention::State::place_queries(const Call& call, Range samples) {
  const std::size_t tokens = extent(call.inputs.x.dim(1)), width = layer.q_proj.out_features();
  const std::size_t out_width = layer.output_proj.out_features(), rows = samples.count * tokens;
  head_rows_ = width > out_width
                   ? HeadRows{heads_.reserve(rows * width), tokens * width, width, layer.head_dim, samples.first}
                   : HeadRows{call.out, tokens * out_width, out_width, layer.head_dim};
}

void MultiHeadAttention::State::forward_samples(const Call& call, Range samples) {
  const std::size_t tokens = extent(call.inputs.x.dim(1));
  const std::size_t heads = extent(config().num_kv_heads), step = heads_at_once(call.inputs);
  place_queries(call, samples);
  for (std::size_t first = 0; first < heads; first += step) {
    const Portion portion{samples, {first, std::min(step, heads - first)}};
    project(call, portion);
    attention.run(attention_call(call.inputs, portion), clock_);
  }
  if (call.attention != nullptr) record_attention(samples, tokens, call.attention);
  const RowFinisher finisher(layer.kernels, call.out, layer.output_proj.out_features());
  tasks_.clear();
  add_tasks(tasks_, layer.output_proj, finisher);
  product.run({head_rows_.at(samples.first, 0, 0), samples.count * tokens, layer.q_proj.out_features(),
               head_rows_.token_stride, samples.first * tokens},
              tasks_, Part::output, clock_);
}

void MultiHeadAttention::State::forward(const Inputs& inputs, Tensor& output, Stages* stages, PartTimes* times) {
  clock_.start(times);
  validate_call(layer.spec, inputs, static_cast<std::int64_t>(cache.filled()), MaskBytes::left_to_the_caller);
  check_output(inputs, output);
  attention.read_mask(attention_call(inputs, {}), clock_);
  const Call call = prepare(inputs, output, stages);
  const std::size_t samples = extent(inputs.x.dim(0)), step = samples_at_once(inputs);
  for (std::size_t first = 0; first < samples; first += step) {
    forward_samples(call, {first, std::min(step, samples - first)});
  }
  if (call.key_value && cache.enabled()) cache.advance(extent(key_value_input(inputs)->dim(1)));
  clock_.stop();
  if (stages == nullptr) return;
  if (cache.enabled()) {
    stages->insert_or_assign(Stage::k_cache, cache.panels().keys_tensor());
    stages->insert_or_assign(Stage::v_cache, cache.panels().values_tensor());
  }
  stages->insert_or_assign(Stage::output, output);
}

MultiHeadAttention::MultiHeadAttention(const LayerSpec& layer, Target target, std::size_t key_value_budget)
    : state_(std::make_unique<State>(layer, kernels_of(target), key_value_budget)) {}

MultiHeadAttention::~MultiHeadAttention() = default;

void MultiHeadAttention::forward(const Inputs& inputs, Tensor& output, Stages* stages, PartTimes* times) {
  state_->forward(inputs, output, stages, times);
}

void MultiHeadAttention::fill_cache(const Tensor& k, const Tensor& v) { state_->cache.fill(k, v); }

void MultiHeadAttention::rewind_cache(std::int64_t tokens) { state_->cache.rewind(tokens); }

void MultiHeadAttention::reset_cache() { state_->cache.clear(); }

}  // namespace attest::optimized
