#include <algorithm>
#include <bit>

#include "fixtures/config_fields.h"
#include "property_tests/arbitrary_case.h"

namespace attest::property_tests {
namespace {

using Lines = std::map<std::string, std::string>;

/// Everything in a case as text by place, so that comparing is comparing two maps.
class Transcript {
 public:
  explicit Transcript(const Case& item) {
    lines_["case"] = item.name;
    lines_["description"] = item.description;
    lines_["family"] = item.family;
    for (const auto& [name, value] : item.provenance) lines_["provenance/" + name] = value;
    add(item.layer);
    for (std::size_t i = 0; i < item.steps.size(); ++i) add("steps/" + std::to_string(i), item.steps[i]);
  }

  const Lines& lines() const { return lines_; }

 private:
  void add(const std::string& place, const Tensor& tensor) {
    const auto bytes = tensor.bytes();
    lines_[place] = std::string(name_of(tensor.dtype())) + to_string(tensor.shape()) +
                    std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  auto field_writer(const std::string& place) {
    return [this, place]<class Value>(const char* name, const Value& value) {
      if constexpr (std::is_same_v<Value, double>) {
        lines_[place + name] = std::to_string(std::bit_cast<std::uint64_t>(value));
      } else if constexpr (std::is_same_v<Value, std::optional<double>>) {
        lines_[place + name] = value ? std::to_string(std::bit_cast<std::uint64_t>(*value)) : "none";
      } else if constexpr (std::is_enum_v<Value>) {
        lines_[place + name] = std::to_string(static_cast<int>(value));
      } else {
        lines_[place + name] = std::to_string(value);
      }
    };
  }

  void add(const LayerSpec& layer) {
    auto config = layer.config;
    lines_["config/dtype"] = name_of(config.dtype);
    visit_later_fields(config, field_writer("config/"));
    visit_fields(config, field_writer("config/"));
    visit_parts(config, [&](const char* name, auto& part) {
      const auto place = "config/" + std::string(name) + "/";
      lines_[place + "kind"] = std::to_string(part.index());
      std::visit([&](auto& arm) { visit_fields(arm, field_writer(place)); }, part);
    });
    for (const auto& [name, tensor] : layer.weights) add("weights/" + name, tensor);
    if (!layer.tables) return;
    add("tables/theta", layer.tables->theta);
    add("tables/cos", layer.tables->cos);
    add("tables/sin", layer.tables->sin);
  }

  void add(const std::string& place, const Step& step) {
    lines_[place + "/reset_cache"] = std::to_string(step.reset_cache);
    lines_[place + "/y is"] = std::to_string(step.inputs.y.index());
    lines_[place + "/mask is"] = std::to_string(step.inputs.mask.index());
    for (const auto& [name, tensor] : given_tensors(step.inputs)) add(place + "/" + name, *tensor);
    for (const auto& [stage, tensor] : step.expected) add(place + "/expected/" + std::string(name_of(stage)), tensor);
    for (const auto& [stage, tensor] : step.truth) add(place + "/truth/" + std::string(name_of(stage)), tensor);
    if (step.sampled) add(place, *step.sampled);
    if (!step.error) return;
    lines_[place + "/raised_by"] = std::to_string(static_cast<int>(step.error->where));
    lines_[place + "/type"] = step.error->type;
    lines_[place + "/message"] = step.error->message;
    lines_[place + "/field"] = step.error->field;
  }

  void add(const std::string& place, const SampledRows& sampled) {
    for (const auto& [sample, token] : sampled.tokens) {
      lines_[place + "/rows"] += std::to_string(sample) + "," + std::to_string(token) + " ";
    }
    for (const auto& [stage, digest] : sampled.sha256)
      lines_[place + "/sha256/" + std::string(name_of(stage))] = digest;
  }

  Lines lines_;
};

}  // namespace

std::string difference(const Case& a, const Case& b) {
  const Transcript left(a), right(b);
  const auto [in_left, in_right] = std::ranges::mismatch(left.lines(), right.lines());
  if (in_left != left.lines().end()) return in_left->first;
  return in_right == right.lines().end() ? "" : in_right->first;
}

}  // namespace attest::property_tests
