#include "harness/verdict/judged.h"

#include <array>
#include <string_view>

namespace attest::harness {
namespace {

constexpr std::array<std::string_view, 4> kParties = {"truth", "torchtune", "reference", "optimized"};

}  // namespace

std::string Judged::implementation() const {
  return party == Party::library ? name : std::string(kParties[static_cast<std::size_t>(party)]);
}

std::string Judged::target() const { return party == Party::optimized ? name : ""; }

std::string label_of(const Judged& judged) {
  return judged.implementation() + (judged.target().empty() ? "" : "/" + judged.target());
}

Judged judged_from_label(const std::string& label) {
  constexpr std::string_view kOptimized = "optimized/";
  if (label.starts_with(kOptimized)) return {Party::optimized, label.substr(kOptimized.size())};
  for (const Party party : {Party::truth, Party::torchtune, Party::reference}) {
    if (label == kParties[static_cast<std::size_t>(party)]) return {party};
  }
  return {Party::library, label};
}

}  // namespace attest::harness
