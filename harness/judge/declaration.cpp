#include "harness/judge/declaration.h"

namespace attest::harness {

std::string_view name_of(Sums sums) {
  switch (sums) {
    case Sums::float32:
      return "float32";
    case Sums::float64:
      return "float64";
    case Sums::bfloat16:
      return "bfloat16";
    case Sums::float16:
      return "float16";
  }
  return "";
}

std::string_view name_of(Products products) {
  switch (products) {
    case Products::as_stored:
      return "as stored";
    case Products::tf32:
      return "tf32";
    case Products::bfloat16:
      return "bfloat16";
  }
  return "";
}

}  // namespace attest::harness
