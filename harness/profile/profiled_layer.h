#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "fixtures/case.h"
#include "harness/profile/work_item.h"

namespace attest::harness {

/// A layer that is timed: one of the table in named_layer.cpp with generated weights, or a case file's with its own.
struct ProfiledLayer {
  std::string name;
  Config config;                    ///< without a cache, for any position
  std::filesystem::path case_file;  ///< empty: the weights are generated
};

/// A name of layer_names(), or what `attest verify` takes for one case: its name, or its file. Throws InputError: no
/// such layer, or none of this dtype that the optimized code can compute.
ProfiledLayer profiled_layer(const std::string& text, DType dtype = DType::float32);

/// As the work needs it: with a cache or without, causal or, for cross-attention, neither causal nor with positions.
Config config_for(const ProfiledLayer& layer, const WorkItem& item);

/// With weights, and rotary tables for positions 0..rows-1.
LayerSpec layer_for(const ProfiledLayer& layer, const WorkItem& item, std::int64_t rows);

}  // namespace attest::harness
