#pragma once

#include <string>

namespace attest::harness {

/// Who can be judged.
///   truth:      the C++ float64 truth, against NumPy's
///   torchtune:  what torchtune itself recorded
///   reference, optimized: the two that are built in
///   library:    anybody's, behind the C interface
enum class Party { truth, torchtune, reference, optimized, library };

/// Who computed what is judged.
struct Judged {
  Party party = Party::library;
  std::string name = {};  ///< of the optimized code its target, "avx2"; of a library "./k.so#OPTION"; else empty

  bool operator==(const Judged&) const = default;
  bool is_implementation() const { return party >= Party::reference; }
  std::string implementation() const;  ///< "torchtune", "reference", "optimized", "./k.so#OPTION"
  std::string target() const;          ///< "avx2"; empty where there is only one
};

/// "reference", "optimized/avx2", "./k.so#OPTION"
std::string label_of(const Judged& judged);
Judged judged_from_label(const std::string& label);

}  // namespace attest::harness
