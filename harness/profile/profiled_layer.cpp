#include "harness/profile/profiled_layer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "fixtures/layer_shapes.h"
#include "fixtures/overloaded.h"
#include "fixtures/require.h"
#include "harness/profile/named_layer.h"
#include "harness/run/selection.h"
#include "optimized/multi_head_attention.h"
#include "reference/rotary_tables.h"

namespace attest::harness {
namespace {

/// A recorded layer knows as many positions as its case needs.
PosEmbeddings for_any_position(PosEmbeddings embedding) {
  std::visit(overloaded{[](NoPosEmbeddings&) {}, [](auto& rotary) { rotary.max_seq_len = kLongest; }}, embedding);
  return embedding;
}

std::filesystem::path case_file_of(const std::string& text) {
  std::vector<std::filesystem::path> files;
  try {
    files = select_cases({text}, fixtures_directory(""));
  } catch (const InputError&) {
  }
  if (files.size() == 1) return files.front();
  throw InputError("--layer", fmt::format("{}, or one case", fmt::join(layer_names(), ", ")),
                   files.empty() ? text : fmt::format("{} cases: {}", files.size(), text));
}

}  // namespace

ProfiledLayer profiled_layer(const std::string& text, DType dtype) {
  ProfiledLayer layer{text, {}, {}};
  if (std::ranges::count(layer_names(), text) > 0) {
    layer.config = named_config(text);
    layer.config.dtype = dtype;
  } else {
    layer.case_file = case_file_of(text);
    layer.config = read_config(layer.case_file);
    layer.config.pos_embeddings = for_any_position(layer.config.pos_embeddings);
    layer.config.max_seq_len = kLongest;
    layer.config.kv_cache = NoKVCache{};
    require(layer.config.dtype == dtype, "--layer " + text, std::string(name_of(dtype)),
            std::string(name_of(layer.config.dtype)));
  }
  const auto gap = optimized::gap({layer.config, {}, {}});
  require(gap.empty(), "--layer " + text, "a layer of the optimized code", gap);
  return layer;
}

Config config_for(const ProfiledLayer& layer, const WorkItem& item) {
  Config config = layer.config;
  config.is_causal = item.kind != WorkKind::cross;
  config.flex_attention = item.kind == WorkKind::blocks;
  if (item.kind == WorkKind::cross) config.pos_embeddings = NoPosEmbeddings{};
  if (item.slots > 0) config.kv_cache = KVCache{item.batch, item.slots, true};
  return config;
}

LayerSpec layer_for(const ProfiledLayer& layer, const WorkItem& item, std::int64_t rows) {
  const Config config = config_for(layer, item);
  LayerSpec spec{config, {}, {}};
  if (rotary_extent(config.pos_embeddings)) spec.tables = reference::build_rotary_tables(config.pos_embeddings, rows);
  spec.weights = layer.case_file.empty() ? weights_of_named_layer(config) : read_case(layer.case_file).layer.weights;
  return spec;
}

}  // namespace attest::harness
