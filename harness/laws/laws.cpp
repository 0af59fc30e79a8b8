#include "harness/laws/laws.h"

#include <algorithm>
#include <vector>

#include "fixtures/error.h"
#include "harness/laws/law_tools.h"

namespace attest::harness {

std::span<const Law> laws() {
  static const std::vector<Law> all = [] {
    std::vector<Law> joined_laws;
    for (const auto& some : {truth_laws(), attention_laws(), layer_laws(), sequence_laws()}) {
      joined_laws.insert(joined_laws.end(), some.begin(), some.end());
    }
    return joined_laws;
  }();
  return all;
}

const Law& law_from_name(std::string_view name) {
  const auto found = std::ranges::find(laws(), name, &Law::name);
  if (found != laws().end()) return *found;
  std::string valid;
  for (const Law& law : laws()) valid += (valid.empty() ? "" : ", ") + std::string(law.name);
  throw InputError("law", "one of " + valid, "'" + std::string(name) + "'");
}

}  // namespace attest::harness
