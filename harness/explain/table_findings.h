#pragma once

#include <vector>

#include "fixtures/case.h"
#include "harness/verdict/judgement.h"

namespace attest::harness::explain {

/// What rotary tables are that are not those of their embedding: of another base, scaled or not scaled, of another
/// precision, of other positions. Each is computed as torchtune would, and has to be hit by every element.
std::vector<Finding> table_findings(const PosEmbeddings& embedding, const RotaryTables& recorded);

}  // namespace attest::harness::explain
