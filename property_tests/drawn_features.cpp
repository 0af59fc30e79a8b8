#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "property_tests/any_draw.h"

/// What the generator of cases draws: every feature must be among it, or the laws are silent about it.
namespace attest::property_tests {
namespace {

using namespace harness;
using Counts = std::map<std::string, int>;

constexpr int kDraws = 500;

/// Each word at least with 0, so that one that never occurs is seen.
Counts all_features() {
  Counts counts;
  for (const auto family : drawn_families()) counts["family " + std::string(family)] = 0;
  for (const auto* axes : {"none", "b", "s_x", "b_s_x", "s_k", "b_s_k", "s_x_s_k", "all"})
    counts[std::string("broadcast ") + axes] = 0;
  for (const auto* hidden :
       {"random", "none", "leading", "middle", "trailing", "alternating", "whole_rows", "all_but_one"})
    counts[std::string("hidden ") + hidden] = 0;
  for (const auto* word : {"mask none",
                           "mask causal",
                           "mask boolean",
                           "mask floating",
                           "mask packed",
                           "mask documents",
                           "mask blocks",
                           "dropout",
                           "norm before the rotary embedding",
                           "another scale",
                           "keys self",
                           "keys cross",
                           "keys cache",
                           "keys cross_cache",
                           "decode",
                           "prefill in chunks",
                           "empty slots",
                           "rotary none",
                           "rotary interleaved",
                           "rotary llama3",
                           "rotary phi3",
                           "rotary qwen2",
                           "positions implied",
                           "positions shared",
                           "positions each",
                           "grouped queries",
                           "norm",
                           "bias",
                           "bfloat16",
                           "float16",
                           "batch",
                           "odd head size",
                           "head size no power of two",
                           "alone with more than 1024 keys",
                           "alone with more than 32 samples",
                           "alone with more than 64 heads",
                           "alone with wide heads and more than 33 keys",
                           "NaN in hidden keys",
                           "more keys than a block of 256",
                           "fewer keys than a vector"}) {
    counts[word] = 0;
  }
  return counts;
}

/// "mask=causal" as "mask causal", for every word of the line and of the defaults that it leaves out.
void count_words(Counts& counts, const CaseDraw& draw) {
  const auto count = [&](const std::string& word, bool occurs) { counts.at(word) += occurs ? 1 : 0; };
  constexpr const char* kMasks[] = {"none", "causal", "boolean", "floating", "packed", "documents", "blocks"};
  constexpr const char* kKeys[] = {"self", "cross", "cache", "cross_cache"};
  constexpr const char* kRotary[] = {"none", "interleaved", "llama3", "phi3", "qwen2"};
  constexpr const char* kPositions[] = {"implied", "shared", "each"};
  count("family " + draw.family, true);
  count(std::string("mask ") + kMasks[static_cast<int>(draw.mask)], true);
  count(std::string("keys ") + kKeys[static_cast<int>(draw.keys)], true);
  count(std::string("rotary ") + kRotary[static_cast<int>(draw.rotary)], true);
  count(std::string("positions ") + kPositions[static_cast<int>(draw.positions)], true);
}

void count_features(Counts& counts, const CaseDraw& draw) {
  const auto count = [&](const char* word, bool occurs) { counts.at(word) += occurs ? 1 : 0; };
  count_words(counts, draw);
  count("decode", draw.keys == KeySource::cache && draw.chunk == 1 && draw.s_x > 1);
  count("prefill in chunks", draw.keys == KeySource::cache && draw.chunk > 1 && draw.chunk < draw.s_x);
  count("empty slots", draw.spare > 0);
  count("grouped queries", draw.q_per_kv > 1);
  count("norm", draw.norm);
  count("bias", draw.bias);
  count("dropout", draw.dropout > 0);
  count("norm before the rotary embedding", draw.norm_first);
  count("another scale", draw.scale != 0);
  count("bfloat16", draw.dtype == DType::bfloat16);
  count("float16", draw.dtype == DType::float16);
  count("batch", draw.b > 1);
  count("odd head size", draw.h_d % 2 != 0);
  count("head size no power of two", (draw.h_d & (draw.h_d - 1)) != 0);
  count("more keys than a block of 256", draw.key_tokens() > 256);
  count("fewer keys than a vector", draw.key_tokens() < 8);
}

void count_features_alone(Counts& counts, const CaseDraw& draw) {
  const auto count = [&](const std::string& word, bool occurs) { counts.at(word) += occurs ? 1 : 0; };
  constexpr const char* kBroadcasts[] = {"none", "b", "s_x", "b_s_x", "s_k", "b_s_k", "s_x_s_k", "all"};
  constexpr const char* kHidden[] = {"random",   "none",        "leading",    "middle",
                                     "trailing", "alternating", "whole_rows", "all_but_one"};
  if (draw.has_own_mask()) {
    count(std::string("broadcast ") + kBroadcasts[static_cast<int>(draw.broadcast)], true);
    count(std::string("hidden ") + kHidden[static_cast<int>(draw.hidden)], true);
  }
  count("alone with more than 1024 keys", draw.key_tokens() > 1024);
  count("alone with more than 32 samples", draw.b > 32);
  count("alone with more than 64 heads", draw.num_heads() > 64);
  count("alone with wide heads and more than 33 keys", draw.h_d > 32 && draw.key_tokens() > 33);
  count("NaN in hidden keys", draw.poison);
}

TEST(drawn_features, every_one_occurs) {
  Counts counts = all_features();
  rc::Random random(2718281828);
  for (int i = 0; i < kDraws; ++i) {
    count_features(counts, any_draw()(random.split(), i % 100).value());
    count_features_alone(counts, any_attention()(random.split(), i % 100).value());
  }
  for (const auto& [feature, count] : counts) {
    fmt::print("{:>5.1f} %  {}\n", 100.0 * count / kDraws, feature);
    EXPECT_GT(count, 0) << feature;
  }
}

}  // namespace
}  // namespace attest::property_tests
