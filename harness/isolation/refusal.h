#pragma once

#include <initializer_list>
#include <string>

/// How a signal handler of the worker says why the process ends: as a message of its own on the channel.
namespace attest::harness {

/// Sends the parts as one sentence and ends the process. Safe in a signal handler.
[[noreturn]] void end_refused(std::initializer_list<const char*> parts) noexcept;

/// The sentence, made printable, if a message is one of end_refused; else empty.
std::string refusal_in(const std::string& message);

}  // namespace attest::harness
