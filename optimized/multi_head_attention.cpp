#include "optimized/multi_head_attention.h"

#include <algorithm>
#include <array>

#include "fixtures/layer_shapes.h"
#include "fixtures/overloaded.h"
#include "fixtures/require.h"
#include "fixtures/validate.h"
#include "optimized/head_projection.h"
#include "optimized/kernel_tables.h"
#include "optimized/pass_timer.h"

namespace attest::optimized {
namespace {

const LayerSpec& checked(const LayerSpec& layer) {
  validate_layer(layer);
  const std::string reason = gap(layer);
  require(reason.empty(), "dtype", "a layer that the optimized implementation has", reason);
  return layer;
}

std::size_t extent(std::int64_t value) { return static_cast<std::size_t>(value); }

PackedLinear packed(const KernelTable& kernels, const LayerSpec& layer, const std::string& name, std::size_t unit) {
  const auto bias = layer.weights.find(name + ".bias");
  return {kernels, layer.weights.find(name + ".weight")->second, bias == layer.weights.end() ? nullptr : &bias->second,
          unit};
}

/// What the boundary needs to know of the layer after packing: everything but the weights.
LayerSpec without_weights(const LayerSpec& layer) { return {layer.config, {}, layer.tables}; }

/// RMSNorm's parameters; without a norm the scale is empty.
struct NormSettings {
  std::vector<float> scale;
  float eps = 0;

  NormSettings(const Norm& norm, const LayerSpec& layer, const std::string& name) {
    std::visit(overloaded{[](const NoNorm&) {},
                          [&](const RMSNorm& rms) {
                            const auto values = layer.weights.find(name + ".scale")->second.as<float>();
                            scale.assign(values.begin(), values.end());
                            eps = static_cast<float>(rms.eps);
                          }},
               norm);
  }
};

}  // namespace

std::string gap(const LayerSpec& layer) {
  if (layer.config.dtype == DType::float32) return "";
  return "the optimized implementation has no " + std::string(name_of(layer.config.dtype)) + " kernels yet";
}

struct MultiHeadAttention::State {
  State(const LayerSpec& layer, const KernelTable& table, std::size_t budget)
      : spec(without_weights(layer)),
        key_value_budget(budget),
        kernels(table),
        head_dim(extent(layer.config.head_dim)),
        q_proj(packed(kernels, layer, "q_proj", head_dim)),
        k_proj(packed(kernels, layer, "k_proj", head_dim)),
        v_proj(packed(kernels, layer, "v_proj", head_dim)),
        output_proj(packed(kernels, layer, "output_proj", 1)),
        q_norm(layer.config.q_norm, layer, "q_norm"),
        k_norm(layer.config.k_norm, layer, "k_norm"),
        cache(kernels),
        fresh(kernels),
        product(kernels),
        attention(kernels) {
    if (const KVCache* wanted = enabled_cache(spec.config)) {
      cache.resize(extent(wanted->batch_size), all_heads(), extent(wanted->max_seq_len), head_dim);
    }
  }

  void forward(const Inputs& inputs, Tensor& output, Stages* stages, StageTimes* times);
  void rewind_cache(std::int64_t tokens);
  void fill_cache(const Tensor& k, const Tensor& v);

 private:
  HeadFinisher::Settings settings(const Tensor& source, std::int64_t heads, std::span<const std::int64_t> at) const;
  HeadFinisher query_finisher(const Inputs& inputs, std::span<const std::int64_t> at, Stages* stages);
  std::array<HeadFinisher, 2> key_value_finishers(const Tensor& y, std::span<const std::int64_t> at, Stages* stages);
  HeadRange all_heads() const { return {0, extent(spec.config.num_kv_heads)}; }
  void resolve(const Inputs& inputs, const Tensor& tokens, std::vector<std::int64_t>& positions) const;
  std::size_t heads_at_once(const Tensor& y) const;
  void check_output(const Inputs& inputs, const Tensor& output) const;
  void attend_projected(const Inputs& inputs, Stages* stages, PassTimer& timer);
  AttentionCall attention_call(const Inputs& inputs) const;
  void record_attention(const Inputs& inputs, Stages& stages) const;

 public:
  LayerSpec spec;
  std::size_t key_value_budget;
  const KernelTable& kernels;
  std::size_t head_dim;
  PackedLinear q_proj, k_proj, v_proj, output_proj;
  NormSettings q_norm, k_norm;
  KeyValuePanels cache;
  std::size_t filled = 0;

 private:
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
  settings.head_dim = head_dim;
  settings.pairing = pairing_of(spec.config.pos_embeddings);
  settings.tables = spec.tables ? &*spec.tables : nullptr;
  settings.positions = at;
  return settings;
}

HeadFinisher MultiHeadAttention::State::query_finisher(const Inputs& inputs, std::span<const std::int64_t> at,
                                                       Stages* stages) {
  const Config& config = spec.config;
  const std::int64_t b = inputs.x.dim(0), s = inputs.x.dim(1), n = config.num_heads, h_d = config.head_dim;
  auto query = settings(inputs.x, n, at);
  query.norm_scale = q_norm.scale.empty() ? nullptr : q_norm.scale.data();
  query.norm_eps = q_norm.eps;
  const HeadCaptures captures{
      .projected = stage(stages, Stage::q_proj, true, {b, s, n * h_d}),
      .rotated = stage(stages, Stage::q_rope, query.pairing != Pairing::none, {b, s, n, h_d}),
      .normalised = stage(stages, Stage::q_norm, query.norm_scale != nullptr, {b, n, s, h_d}),
  };
  return {kernels, query, {.rows = &head_rows_}, captures};
}

std::array<HeadFinisher, 2> MultiHeadAttention::State::key_value_finishers(const Tensor& y,
                                                                           std::span<const std::int64_t> at,
                                                                           Stages* stages) {
  const Config& config = spec.config;
  const std::int64_t b = y.dim(0), s = y.dim(1), n = config.num_kv_heads, h_d = config.head_dim;
  auto key = settings(y, n, at);
  auto value = key;
  value.pairing = Pairing::none;
  key.norm_scale = k_norm.scale.empty() ? nullptr : k_norm.scale.data();
  key.norm_eps = k_norm.eps;
  const HeadCaptures captures{
      .projected = stage(stages, Stage::k_proj, true, {b, s, n * h_d}),
      .rotated = stage(stages, Stage::k_rope, key.pairing != Pairing::none, {b, s, n, h_d}),
      .normalised = stage(stages, Stage::k_norm, key.norm_scale != nullptr, {b, n, s, h_d}),
  };
  KeyValuePanels& store = enabled_cache(config) != nullptr ? cache : fresh;
  const std::size_t first = enabled_cache(config) != nullptr ? filled : 0;
  const HeadCaptures value_captures{.projected = stage(stages, Stage::v_proj, true, {b, s, n * h_d})};
  return {HeadFinisher(kernels, key, {.keys = &store, .first_slot = first}, captures),
          HeadFinisher(kernels, value, {.values = &store, .first_slot = first}, value_captures)};
}

/// Key/value heads whose keys and values fit the budget together, at least the fewest that the projections can
/// separate.
std::size_t MultiHeadAttention::State::heads_at_once(const Tensor& y) const {
  const std::size_t separable = k_proj.separable_columns() / head_dim;
  const std::size_t fit = key_value_budget / fresh.bytes_a_head(extent(y.dim(0)), extent(y.dim(1)), head_dim);
  return std::clamp(fit / separable * separable, separable, std::max(separable, all_heads().count));
}

/// The positions of a tensor's tokens, if anything is rotated.
void MultiHeadAttention::State::resolve(const Inputs& inputs, const Tensor& tokens,
                                        std::vector<std::int64_t>& positions) const {
  const auto rotary = rotary_extent(spec.config.pos_embeddings);
  if (!rotary) return;
  const Tensor* input_pos = inputs.input_pos ? &*inputs.input_pos : nullptr;
  resolve_positions(input_pos, tokens.dim(0), tokens.dim(1), rotary->max_seq_len, positions);
}

/// q, k and v in one pass over x where y is x, then attention. Keys and values go into the cache; without one, into
/// `fresh`, and where there are too many, some heads are projected and attended after others.
void MultiHeadAttention::State::attend_projected(const Inputs& inputs, Stages* stages, PassTimer& timer) {
  const Config& config = spec.config;
  resolve(inputs, inputs.x, x_positions_);
  const HeadFinisher query = query_finisher(inputs, x_positions_, stages);
  tasks_.clear();
  add_tasks(tasks_, q_proj, query);
  const Tensor* y = key_value_input(inputs);
  if (y != &inputs.x) product.run(rows_of(inputs.x), tasks_);
  if (y == nullptr) {
    timer.end_of(&StageTimes::projections);
    attention.run(attention_call(inputs));
    return timer.end_of(&StageTimes::attention);
  }
  if (y != &inputs.x) tasks_.clear();
  const bool cached = enabled_cache(config) != nullptr;
  resolve(inputs, *y, y_positions_);
  const auto finishers = key_value_finishers(*y, y_positions_, stages);
  const std::size_t heads = all_heads().count, step = cached ? heads : heads_at_once(*y);
  for (std::size_t first = 0; first < heads; first += step) {
    const std::size_t count = std::min(step, heads - first);
    if (!cached) fresh.resize(extent(y->dim(0)), {first, count}, extent(y->dim(1)), head_dim);
    add_tasks(tasks_, k_proj, first * head_dim, count * head_dim, finishers[0]);
    add_tasks(tasks_, v_proj, first * head_dim, count * head_dim, finishers[1]);
    product.run(rows_of(*y), tasks_);
    tasks_.clear();
    if (cached) filled += extent(y->dim(1));
    timer.end_of(&StageTimes::projections);
    attention.run(attention_call(inputs));
    timer.end_of(&StageTimes::attention);
  }
}

/// torchtune attends every slot of an enabled cache. Without a mask, those not yet filled all weigh exp(0).
AttentionCall MultiHeadAttention::State::attention_call(const Inputs& inputs) const {
  const Config& config = spec.config;
  const bool cached = enabled_cache(config) != nullptr;
  const std::size_t seen = extent(key_count(config, inputs));
  const std::size_t read = cached && std::holds_alternative<NoMask>(inputs.mask) ? filled : seen;
  return {.samples = extent(inputs.x.dim(0)),
          .tokens = extent(inputs.x.dim(1)),
          .num_heads = extent(config.num_heads),
          .num_kv_heads = extent(config.num_kv_heads),
          .head_dim = head_dim,
          .q = head_rows_,
          .out = head_rows_,
          .keys_values = cached ? cache : fresh,
          .keys = read,
          .empty_slots = seen - read,
          .is_causal = attends_causally(config, inputs),
          .mask = inputs.mask};
}

void MultiHeadAttention::State::record_attention(const Inputs& inputs, Stages& stages) const {
  const std::int64_t b = inputs.x.dim(0), s = inputs.x.dim(1), n = spec.config.num_heads;
  float* out = stage(&stages, Stage::attention, true, {b, n, s, spec.config.head_dim});
  for (std::size_t i = 0; i < extent(b * n * s); ++i) {
    const std::size_t token = i % extent(s), head = i / extent(s) % extent(n), sample = i / extent(s) / extent(n);
    std::copy_n(head_rows_.at(sample, token, head), head_dim, out + i * head_dim);
  }
  if (enabled_cache(spec.config) != nullptr) {
    stages.insert_or_assign(Stage::k_cache, cache.keys_tensor());
    stages.insert_or_assign(Stage::v_cache, cache.values_tensor());
  }
}

void MultiHeadAttention::State::check_output(const Inputs& inputs, const Tensor& output) const {
  const std::array wanted{inputs.x.dim(0), inputs.x.dim(1), static_cast<std::int64_t>(output_proj.out_features())};
  require(
      std::ranges::equal(output.shape(), wanted) && output.dtype() == DType::float32, "output",
      [&] { return "float32 " + to_string(Shape(wanted.begin(), wanted.end())); },
      [&] { return std::string(name_of(output.dtype())) + " " + to_string(output.shape()); });
}

void MultiHeadAttention::State::forward(const Inputs& inputs, Tensor& output, Stages* stages, StageTimes* times) {
  PassTimer timer(times);
  validate_call(spec, inputs, static_cast<std::int64_t>(filled), MaskBytes::left_to_the_caller);
  check_output(inputs, output);
  attention.read_mask(attention_call(inputs));
  const std::size_t rows = extent(inputs.x.dim(0) * inputs.x.dim(1)), width = q_proj.out_features();
  // Queries and the attention's output live in `output` where they fit: the last projection packs a block of rows
  // before it writes them.
  float* out = output.as<float>().data();
  float* heads = width == output_proj.out_features() ? out : heads_.reserve(rows * width);
  head_rows_ = {heads, extent(inputs.x.dim(1)) * width, width, head_dim};
  timer.end_of(&StageTimes::checks);
  attend_projected(inputs, stages, timer);
  if (stages != nullptr) record_attention(inputs, *stages);
  const RowFinisher finisher(kernels, out, output_proj.out_features());
  tasks_.clear();
  add_tasks(tasks_, output_proj, finisher);
  product.run({heads, rows, width}, tasks_);
  timer.end_of(&StageTimes::output_projection);
  if (stages != nullptr) stages->insert_or_assign(Stage::output, output);
}

void MultiHeadAttention::State::rewind_cache(std::int64_t tokens) {
  require(tokens >= 0 && extent(tokens) <= filled, "tokens",
          "from 0 to the " + std::to_string(filled) + " filled slots", std::to_string(tokens));
  const std::vector<float> zeros(head_dim);
  const KVCache* config = enabled_cache(spec.config);
  for (; tokens > 0; --tokens) {
    --filled;
    for (std::size_t sample = 0; sample < extent(config->batch_size); ++sample) {
      for (std::size_t head = 0; head < extent(spec.config.num_kv_heads); ++head) {
        cache.store_key(sample, head, filled, zeros.data());
        cache.store_value(sample, head, filled, zeros.data());
      }
    }
  }
}

void MultiHeadAttention::State::fill_cache(const Tensor& k, const Tensor& v) {
  const KVCache* config = enabled_cache(spec.config);
  require(config != nullptr, "kv_cache", "an enabled cache", "none");
  const std::int64_t room = config->max_seq_len - static_cast<std::int64_t>(filled);
  require(k.rank() == 4 && k.dim(2) <= room, "kv_cache", "keys for the " + std::to_string(room) + " slots left",
          to_string(k.shape()));
  const Shape wanted{config->batch_size, spec.config.num_kv_heads, k.dim(2), spec.config.head_dim};
  for (const Tensor* tensor : {&k, &v}) {
    require(tensor->shape() == wanted, "kv_cache", to_string(wanted), to_string(tensor->shape()));
  }
  cache.store(k, v, filled);
  filled += extent(k.dim(2));
}

MultiHeadAttention::MultiHeadAttention(const LayerSpec& layer, Target target, std::size_t key_value_budget)
    : state_(std::make_unique<State>(checked(layer), kernels_of(target), key_value_budget)) {}

MultiHeadAttention::~MultiHeadAttention() = default;

void MultiHeadAttention::forward(const Inputs& inputs, Tensor& output, Stages* stages, StageTimes* times) {
  state_->forward(inputs, output, stages, times);
}

void MultiHeadAttention::fill_cache(const Tensor& k, const Tensor& v) { state_->fill_cache(k, v); }

void MultiHeadAttention::rewind_cache(std::int64_t tokens) { state_->rewind_cache(tokens); }

void MultiHeadAttention::reset_cache() {
  state_->cache.clear(state_->filled);
  state_->filled = 0;
}

}  // namespace attest::optimized
