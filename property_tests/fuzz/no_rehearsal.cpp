#include "fixtures/rehearse.h"

/// Takes the place of fixtures/rehearse.cpp: the attempt is made in this process, where the fuzzer sees which code it
/// reaches, and a crash is a finding. The mutator edits through HDF5, so that HDF5's own decoding has nothing to crash
/// on.
void attest::rehearse(const std::string& file, Attempt attempt) { attempt(file); }
