#include "optimized/target.h"

#include <array>
#include <cstdlib>
#include <ranges>

#include "fixtures/error.h"
#include "fixtures/named_rows.h"
#include "optimized/kernel_tables.h"

#ifdef ATTEST_X86
#include <cpuinfo_x86.h>
#endif

namespace attest::optimized {
namespace {

TargetStatus status_of_scalar() { return {Target::scalar, true, "runs on every machine"}; }

#ifdef ATTEST_X86
/// cpu_features reports an instruction set only where the operating system saves its registers (XSAVE) as well.
const cpu_features::X86Features& cpu() {
  static const cpu_features::X86Features features = cpu_features::GetX86Info().features;
  return features;
}

struct Need {
  bool present;
  const char* name;
};

/// ATTEST_HIDE_CPU_FEATURES ("AVX2;FMA"): as if the CPU lacked these, so that what a lesser machine does can be seen on
/// any.
bool is_hidden(std::string_view feature) {
  const char* variable = std::getenv("ATTEST_HIDE_CPU_FEATURES");
  if (variable == nullptr) return false;
  const std::string list = ";" + std::string(variable) + ";";
  return list.find(";" + std::string(feature) + ";") != std::string::npos;
}

template <std::size_t N>
TargetStatus status_from(Target target, const std::array<Need, N>& needs) {
  const auto is_missing = [](const Need& need) { return !need.present || is_hidden(need.name); };
  const auto missing = listed_names(std::views::filter(needs, is_missing));
  if (missing.empty()) return {target, true, "the CPU and the operating system offer " + listed_names(needs)};
  return {target, false, "the CPU or the operating system lacks " + missing};
}

TargetStatus status_of_avx2() {
  return status_from(Target::avx2, std::array{Need{cpu().avx2 != 0, "AVX2"}, Need{cpu().fma3 != 0, "FMA"}});
}

TargetStatus status_of_avx512() {
  return status_from(Target::avx512,
                     std::array{Need{cpu().avx512f != 0, "AVX-512F"}, Need{cpu().avx512bw != 0, "AVX-512BW"},
                                Need{cpu().avx512dq != 0, "AVX-512DQ"}, Need{cpu().avx512vl != 0, "AVX-512VL"}});
}
#endif

/// One row a target, slowest first; CMake's ATTEST_TARGETS lists the same names.
struct TargetRow {
  Target target;
  std::string_view name;
  TargetStatus (*status)();
  const KernelTable& (*kernels)() noexcept;
};

constexpr std::array kTargets = {
    TargetRow{Target::scalar, "scalar", status_of_scalar, scalar_kernels},
#ifdef ATTEST_X86
    TargetRow{Target::avx2, "avx2", status_of_avx2, avx2_kernels},
    TargetRow{Target::avx512, "avx512", status_of_avx512, avx512_kernels},
#endif
};

}  // namespace

std::string_view name_of(Target target) {
  switch (target) {
    case Target::scalar:
      return "scalar";
    case Target::avx2:
      return "avx2";
    case Target::avx512:
      return "avx512";
  }
  return "";
}

std::vector<TargetStatus> targets() {
  std::vector<TargetStatus> all;
  for (const auto& row : kTargets) all.push_back(row.status());
  return all;
}

Target target_from_name(std::string_view name) {
  const TargetRow& row = row_named(kTargets, "target", name);
  const TargetStatus status = row.status();
  if (status.usable) return row.target;
  throw InputError("target", "one usable here (of " + listed_names(kTargets) + ")",
                   std::string(name) + ": " + status.reason);
}

Target choose_target() {
  if (const char* wanted = std::getenv("ATTEST_TARGET")) {
    try {
      return target_from_name(wanted);
    } catch (const InputError& error) {
      throw InputError("ATTEST_TARGET", error.expected, error.actual);
    }
  }
  Target fastest = Target::scalar;
  for (const auto& row : kTargets) {
    if (row.status().usable) fastest = row.target;
  }
  return fastest;
}

const KernelTable& kernels_of(Target target) {
  target_from_name(name_of(target));
  for (const auto& row : kTargets) {
    if (row.target == target) return row.kernels();
  }
  return scalar_kernels();
}

}  // namespace attest::optimized
