#include "harness/judge/declaration.h"

#include "fixtures/validate.h"

namespace attest::harness {

std::string_view name_of(Sums sums) {
  switch (sums) {
    case Sums::float32:
      return "float32";
    case Sums::float64:
      return "float64";
    case Sums::bfloat16:
      return "bfloat16";
    case Sums::float16:
      return "float16";
  }
  return "";
}

std::string_view name_of(Products products) {
  switch (products) {
    case Products::as_stored:
      return "as stored";
    case Products::tf32:
      return "tf32";
    case Products::bfloat16:
      return "bfloat16";
  }
  return "";
}

std::string undeclared_feature(const Config& layer, std::uint64_t declared) {
  struct Need {
    Feature feature;
    const char* name;
    bool is_there;
  };
  const Need needs[] = {
      {Feature::float16, "ATTEST_FLOAT16", layer.dtype == DType::float16},
      {Feature::scale, "ATTEST_SCALE", layer.scale.has_value()},
      {Feature::norm_order, "ATTEST_NORM_ORDER", layer.norm_order != NormOrder::after_pos_embeddings},
      {Feature::block_mask, "ATTEST_BLOCK_MASK", layer.flex_attention},
      {Feature::dropout, "ATTEST_DROPOUT", drops_out(layer)},
  };
  for (const auto& [feature, name, is_there] : needs) {
    const bool is_declared = (declared & static_cast<std::uint64_t>(feature)) != 0;
    if (is_there && !is_declared) return std::string("it does not declare ") + name;
  }
  return "";
}

}  // namespace attest::harness
