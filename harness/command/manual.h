#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace attest::harness {

/// The manual page (roff with the man macros), made of what --help of the program and of each command says.
std::string manual_page(const CLI::App& program, const std::string& version);

}  // namespace attest::harness
