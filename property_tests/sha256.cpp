#include "fixtures/sha256.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "fixtures/error.h"
#include "property_tests/scratch_folder.h"

namespace attest {
namespace {

std::string hash_of(const std::string& text) { return sha256_hex(std::as_bytes(std::span(text))); }

TEST(sha256, gives_the_answers_of_fips_180) {
  EXPECT_EQ(hash_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hash_of(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(sha256, a_file_has_the_hash_of_its_bytes) {
  const property_tests::ScratchFolder folder;
  const std::string text((3 << 20) + 17, 'x');
  std::ofstream(folder / "file", std::ios::binary) << text;
  EXPECT_EQ(sha256_hex_of_file(folder / "file"), hash_of(text));
  std::ofstream(folder / "empty").close();
  EXPECT_EQ(sha256_hex_of_file(folder / "empty"), hash_of(""));
}

TEST(sha256, a_file_that_cannot_be_read_is_refused_by_name) {
  const property_tests::ScratchFolder folder;
  EXPECT_THROW(sha256_hex_of_file(folder / "missing"), InputError);
  EXPECT_THROW(sha256_hex_of_file(folder.path()), InputError);
}

}  // namespace
}  // namespace attest
