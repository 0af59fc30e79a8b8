#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "fixtures/case_file.h"
#include "fixtures/sha256.h"
#include "property_tests/arbitrary_case.h"
#include "property_tests/scratch_folder.h"

namespace attest::property_tests {
namespace {

ArbitraryCase any_choice() {
  ArbitraryCase choice;
  choice.b = *rc::gen::inRange(1, 4);
  choice.s_x = *rc::gen::inRange(1, 6);
  choice.s_y = *rc::gen::inRange(1, 6);
  choice.n_kv = *rc::gen::inRange(1, 4);
  choice.q_per_kv = *rc::gen::inRange(1, 4);
  choice.half_head_dim = *rc::gen::inRange(1, 5);
  choice.pos_embeddings = *rc::gen::inRange(0, 5);
  choice.y = *rc::gen::inRange(0, 3);
  choice.cache = *rc::gen::inRange(0, 3);
  const bool as_many_keys = choice.cache != 1 && (choice.y != 1 || choice.s_y == choice.s_x);
  choice.mask = *rc::gen::inRange(0, as_many_keys ? 4 : 3);
  choice.later_fields = *rc::gen::arbitrary<bool>();
  if (choice.later_fields && *rc::gen::inRange(0, 3) == 0) choice.mask = 4;
  choice.dropout = choice.mask != 4 && *rc::gen::arbitrary<bool>();
  choice.norm = *rc::gen::arbitrary<bool>();
  choice.bias = *rc::gen::arbitrary<bool>();
  choice.input_pos = *rc::gen::arbitrary<bool>();
  choice.error = *rc::gen::arbitrary<bool>();
  choice.dtype = *rc::gen::element(DType::float32, DType::bfloat16);
  choice.seed = *rc::gen::inRange<std::uint64_t>(0, 1'000'000);
  return choice;
}

RC_GTEST_PROP(case_file, what_is_written_is_read_back_bit_for_bit, ()) {
  const ScratchFolder folder;
  const auto item = arbitrary_case(any_choice());
  write_case(item, folder / "case.h5");
  RC_ASSERT(difference(item, read_case(folder / "case.h5")) == "");
}

RC_GTEST_PROP(case_file, the_same_case_gives_the_same_bytes, ()) {
  const ScratchFolder folder;
  const auto item = arbitrary_case(any_choice());
  write_case(item, folder / "one.h5");
  write_case(item, folder / "two.h5");
  write_case(read_case(folder / "one.h5"), folder / "three.h5");
  RC_ASSERT(sha256_hex_of_file(folder / "one.h5") == sha256_hex_of_file(folder / "two.h5"));
  RC_ASSERT(sha256_hex_of_file(folder / "one.h5") == sha256_hex_of_file(folder / "three.h5"));
}

}  // namespace
}  // namespace attest::property_tests
