#include "harness/search/shrink.h"

#include <cmath>
#include <vector>

#include "harness/draw/draw_fields.h"

namespace attest::harness {
namespace {

/// How far a field is from its default.
double distance(const std::string& value, const std::string& plain) { return value == plain ? 0 : 1; }
double distance(std::uint64_t, std::uint64_t) { return 0; }  // a seed is no simpler than another
template <class Number>
double distance(Number value, Number plain) {
  return std::log2(1.0 + std::fabs(static_cast<double>(value) - static_cast<double>(plain)));
}

double complexity(const CaseDraw& draw) {
  const CaseDraw defaults;
  double sum = 0;
  const auto add = [&](const char* name, const auto& value) {
    visit_fields(defaults, [&](const char* other, const auto& simple) {
      if constexpr (std::is_same_v<decltype(value), decltype(simple)>) {
        if (std::string_view(name) == other) sum += distance(value, simple);
      }
    });
  };
  visit_fields(draw, add);
  return sum;
}

/// The values that a field may be tried with instead, the simplest first.
std::vector<std::string> simpler(const std::string& value, const std::string& plain) {
  return value == plain ? std::vector<std::string>{} : std::vector<std::string>{plain};
}
std::vector<std::uint64_t> simpler(std::uint64_t, std::uint64_t) { return {}; }
template <class Number>
std::vector<Number> simpler(Number value, Number plain) {
  const auto from = static_cast<std::int64_t>(plain), now = static_cast<std::int64_t>(value);
  std::vector<Number> values;
  for (const std::int64_t next : {from, from + (now - from) / 4, from + (now - from) / 2, now - 1}) {
    const auto candidate = static_cast<Number>(next);
    if (next >= from && next < now && (values.empty() || values.back() != candidate)) values.push_back(candidate);
  }
  return values;
}

/// Every draw in which one field is simpler.
std::vector<CaseDraw> neighbours(const CaseDraw& draw) {
  std::vector<CaseDraw> draws;
  const CaseDraw defaults;
  CaseDraw changed = draw;
  visit_fields(changed, [&](const char* name, auto& field) {
    const auto before = field;
    visit_fields(defaults, [&](const char* other, const auto& plain) {
      if constexpr (std::is_same_v<std::decay_t<decltype(field)>, std::decay_t<decltype(plain)>>) {
        if (std::string_view(name) != other) return;
        for (const auto& value : simpler(before, plain)) {
          field = value;
          draws.push_back(changed);
        }
      }
    });
    field = before;
  });
  return draws;
}

}  // namespace

CaseDraw shrunk(const CaseDraw& failing, const std::function<CaseDraw(CaseDraw)>& fits,
                const std::function<bool(const CaseDraw&)>& still_fails, std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  CaseDraw simplest = failing;
  for (bool found = true; found;) {
    found = false;
    for (const CaseDraw& neighbour : neighbours(simplest)) {
      if (std::chrono::steady_clock::now() >= end) return simplest;
      const CaseDraw candidate = fits(neighbour);
      if (!(complexity(candidate) < complexity(simplest)) || !still_fails(candidate)) continue;
      simplest = candidate;
      found = true;
      break;
    }
  }
  return simplest;
}

}  // namespace attest::harness
