#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "fixtures/tensor.h"
#include "optimized/target.h"

/// Seeded inputs for the tests of optimized/, and the targets they run on.
namespace attest {

using Random = std::mt19937_64;

inline Tensor normal(Random& random, const Shape& shape, double scale = 1.0) {
  Tensor tensor(DType::float32, shape);
  std::normal_distribution<double> draw(0.0, scale);
  for (auto& value : tensor.as<float>()) value = static_cast<float>(draw(random));
  return tensor;
}

inline Tensor flags(Random& random, const Shape& shape, double share_true) {
  Tensor tensor(DType::boolean, shape);
  std::bernoulli_distribution draw(share_true);
  for (auto& value : tensor.as<std::uint8_t>()) value = draw(random) ? 1 : 0;
  return tensor;
}

inline std::vector<optimized::Target> usable_targets() {
  std::vector<optimized::Target> usable;
  for (const auto& status : optimized::targets()) {
    if (status.usable) usable.push_back(status.target);
  }
  return usable;
}

/// GoogleTest's name for a parameter that is a target.
template <class Info>
std::string target_name(const Info& info) {
  return std::string(optimized::name_of(info.param));
}

}  // namespace attest
