#include "harness/report/html/number_text.h"

#include <fmt/format.h>

#include <cmath>

namespace attest::harness {

std::string e_text(double e) {
  if (std::isnan(e)) return "NaN";
  if (std::isinf(e)) return "∞";
  const bool is_plain = e == 0 || (e >= 0.01 && e < 1000);
  return is_plain ? fmt::format("{:.2f}", e) : fmt::format("{:.0e}", e);
}

std::string milliseconds_text(double seconds) { return fmt::format("{:.3f}", 1e3 * seconds); }

std::string TimeUnit::text(double time) const { return fmt::format("{:.3f}", time / seconds); }

TimeUnit unit_for(double whole) { return whole < 1e-3 ? TimeUnit{"µs", 1e-6} : TimeUnit{"ms", 1e-3}; }

std::string percent_text(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string giga_text(double value) { return fmt::format("{:.1f}", 1e-9 * value); }

}  // namespace attest::harness
