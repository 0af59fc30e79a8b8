#pragma once

namespace attest::harness {

/// Makes the first Ctrl-C a request that `interrupted` reports, so that a run ends between two cases with nothing half
/// written; a second one ends the process at once.
void watch_for_interrupt();
bool interrupted();

}  // namespace attest::harness
