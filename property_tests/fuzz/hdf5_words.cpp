#include "property_tests/fuzz/hdf5_words.h"

#include <limits>

namespace attest::property_tests {

const std::vector<std::string>& words() {
  static const std::vector<std::string> list = {"attest.attention",
                                                "group/stem",
                                                "randn",
                                                "error",
                                                "MultiHeadAttention",
                                                "Linear",
                                                "none",
                                                "RotaryPositionalEmbeddings",
                                                "Llama3ScaledRoPE",
                                                "Phi3RotaryPositionalEmbeddings",
                                                "Qwen2RotaryPositionalEmbeddings",
                                                "RMSNorm",
                                                "KVCache",
                                                "float32",
                                                "float64",
                                                "bfloat16",
                                                "bool",
                                                "int64",
                                                "int32",
                                                "x",
                                                "given",
                                                "absent",
                                                "constructor",
                                                "forward",
                                                "irwin_hall_4",
                                                "",
                                                "/",
                                                "\xFF",
                                                "\xCE\xB2",
                                                std::string(300, 'a')};
  return list;
}

const std::vector<std::string>& known_paths() {
  static const std::vector<std::string> list = {"/config/pos_embeddings",
                                                "/config/q_norm",
                                                "/config/kv_cache",
                                                "/weights/q_proj.bias",
                                                "/weights/q_norm.scale",
                                                "/weights/k_norm.scale",
                                                "/tables",
                                                "/tables/theta",
                                                "/tables/cos",
                                                "/steps/000",
                                                "/steps/001",
                                                "/steps/002",
                                                "/steps/000/inputs/y",
                                                "/steps/000/inputs/mask",
                                                "/steps/000/inputs/input_pos",
                                                "/steps/000/expected/k_cache",
                                                "/steps/000/truth/q_norm",
                                                "/steps/000/error",
                                                "/steps/001/error",
                                                "/other"};
  return list;
}

const std::vector<std::int64_t>& integers() {
  static const std::vector<std::int64_t> list = {0,
                                                 1,
                                                 2,
                                                 3,
                                                 5,
                                                 8,
                                                 100,
                                                 101,
                                                 1000,
                                                 -1,
                                                 -100,
                                                 -101,
                                                 std::int64_t{1} << 28,
                                                 std::int64_t{1} << 32,
                                                 std::int64_t{1} << 62,
                                                 std::numeric_limits<std::int64_t>::max(),
                                                 std::numeric_limits<std::int64_t>::min()};
  return list;
}

const std::vector<double>& numbers() {
  static const std::vector<double> list = {0.0,
                                           -0.0,
                                           1.0,
                                           -1.0,
                                           0.5,
                                           1e-5,
                                           1e308,
                                           5e-324,
                                           std::numeric_limits<double>::infinity(),
                                           -std::numeric_limits<double>::infinity(),
                                           std::numeric_limits<double>::quiet_NaN()};
  return list;
}

}  // namespace attest::property_tests
