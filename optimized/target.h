#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Instruction-set targets of the optimized implementation, and the choice among them at run time.
namespace attest::optimized {

enum class Target { scalar, avx2, avx512 };

std::string_view name_of(Target target);  ///< "scalar", "avx2", "avx512"

struct TargetStatus {
  Target target;
  bool usable = false;  ///< the CPU has it and the operating system saves its registers
  std::string reason;   ///< why (not), one clause
};

/// Every compiled target, slowest first.
std::vector<TargetStatus> targets();

/// Throws InputError listing the valid names if the name is unknown or the target is not usable here. Never falls back.
Target target_from_name(std::string_view name);

/// ATTEST_TARGET if it is set (errors as above), else the fastest usable target.
Target choose_target();

}  // namespace attest::optimized
