#include "harness/laws/laws.h"

#include <algorithm>
#include <vector>

#include "fixtures/named_rows.h"
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

const Law& law_from_name(std::string_view name) { return row_named(laws(), "law", name); }

}  // namespace attest::harness
