#pragma once

#include "harness/explain/residual.h"
#include "harness/verdict/judgement.h"

namespace attest::harness::explain {

/// The whole residual, binned by its largest shares of the budget.
ResidualMap residual_map(const Residual& residual);

}  // namespace attest::harness::explain
