#pragma once

namespace attest::harness {

/// Makes the first Ctrl-C a request that `interrupted` reports, so that a run ends between two pieces of work with
/// nothing half written; a second one ends the process at once.
void watch_for_interrupt();
bool interrupted();

/// Thrown by work that Ctrl-C leaves unfinished: what was begun is dropped, what was done before is reported. No
/// std::exception, so that whoever turns an error into a verdict does not take it for one.
struct Interrupted {};

/// Throws Interrupted after Ctrl-C.
void stop_if_interrupted();

}  // namespace attest::harness
