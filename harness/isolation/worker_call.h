#pragma once

#include "harness/attest_implementation.h"
#include "harness/isolation/call_message.h"
#include "harness/isolation/guarded_buffers.h"

namespace attest::harness {

/// Calls the function that is asked for on these buffers, in the worker. It must not be null. Throws InputError where
/// the request has not the fields of its struct (call_fields.h).
CallReply make_call(const attest_implementation& implementation, const CallRequest& request,
                    const GuardedBuffers& buffers);

}  // namespace attest::harness
