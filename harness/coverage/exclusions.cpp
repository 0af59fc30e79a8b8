#include <algorithm>
#include <charconv>
#include <limits>

#include "harness/coverage/dimensions.h"

/// What the covering array leaves out, each with its reason.
namespace attest::harness {
namespace {

constexpr std::int64_t kLongestSelf = 257;  ///< beyond it the square of the tokens is most of a run's time
constexpr std::int64_t kWidestLayer = 132;  ///< n_h h_d; beyond it a layer's projections are
constexpr std::int64_t kMostWork = 1 << 20;

std::int64_t number(std::string_view word, std::int64_t without) {
  std::int64_t value = without;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

/// A row by its words; what is unset is "" or, as a number, the least that it can be.
struct Words {
  std::string_view mask, hidden, regime, path, queries, dtype;
  bool has_keys;
  std::int64_t keys, heads, batch, head_dim;

  explicit Words(const CoverageRow& row)
      : mask(word_at(row, Dimension::mask)),
        hidden(word_at(row, Dimension::hidden)),
        regime(word_at(row, Dimension::regime)),
        path(word_at(row, Dimension::path)),
        queries(word_at(row, Dimension::queries)),
        dtype(word_at(row, Dimension::dtype)),
        has_keys(at(row, Dimension::keys) != kUnset),
        keys(number(word_at(row, Dimension::keys), 1)),
        heads(number(word_at(row, Dimension::heads), 1)),
        batch(number(word_at(row, Dimension::batch), 1)),
        head_dim(number(word_at(row, Dimension::head_dim), 2)) {}

  bool has_own_mask() const { return mask.starts_with("bool") || mask.starts_with("float"); }
  bool is_self() const { return path.ends_with("self"); }
  bool is_layer() const { return path.starts_with("layer"); }
  bool has_cache() const { return path.ends_with("decode") || path.ends_with("chunk") || path == "empty_slots"; }
  std::int64_t query_count() const { return queries == "as keys" ? keys : number(queries, 1); }
};

struct Exclusion {
  std::string_view reason;
  bool (*excludes)(const Words& row);
};

constexpr Exclusion kExclusions[] = {
    {"a mask that is no tensor of its own hides what its kind says",
     [](const Words& row) {
       return !row.mask.empty() && !row.has_own_mask() && !row.hidden.empty() && row.hidden != "none";
     }},
    {"one entry for all keys hides all of them or none",
     [](const Words& row) {
       return row.mask.ends_with(",1]") && !row.hidden.empty() && row.hidden != "none" && row.hidden != "whole_rows";
     }},
    {"the one row of a mask is not hidden as a whole: nothing would be seen",
     [](const Words& row) { return row.mask.find("[1,1,") != row.mask.npos && row.hidden == "whole_rows"; }},
    {"NaN lies in keys that a mask hides from every row",
     [](const Words& row) {
       const bool shows_all = row.hidden == "none" || row.hidden == "random" || row.hidden == "whole_rows";
       return row.regime == "nan_in_hidden" &&
              (shows_all || (!row.mask.empty() && (!row.has_own_mask() || row.mask.ends_with(",1]"))));
     }},
    {"NaN in the tokens of a layer reaches its queries",
     [](const Words& row) {
       return row.regime == "nan_in_hidden" && (row.path == "layer_self" || row.path == "layer_cross");
     }},
    {"packed documents attend to themselves",
     [](const Words& row) {
       if (row.path.empty() || row.is_self()) return false;
       return row.mask == "documents" || (row.mask == "packed" && (row.is_layer() || row.path == "cross"));
     }},
    {"a token attends to itself: as many queries as keys, and nowhere else",
     [](const Words& row) {
       return !row.path.empty() && !row.queries.empty() && row.is_self() != (row.queries == "as keys");
     }},
    {"self-attention of many tokens costs their square",
     [](const Words& row) {
       return (row.is_self() || row.mask == "documents" || row.queries == "as keys") && row.keys > kLongestSelf;
     }},
    {"decode is one token, a chunk several",
     [](const Words& row) {
       const bool one = row.queries == "1";
       return !row.queries.empty() && ((row.path.ends_with("decode") && !one) || (row.path.ends_with("chunk") && one));
     }},
    {"a call into a cache finds keys of earlier ones",
     [](const Words& row) {
       constexpr std::int64_t kFewest = 4;
       return row.has_cache() && row.has_keys && row.query_count() + kFewest > row.keys;
     }},
    {"a layer projects every key of another sequence",
     [](const Words& row) { return row.path == "layer_cross" && row.keys > kLongestSelf; }},
    {"a wide layer is projections, not attention",
     [](const Words& row) { return row.is_layer() && row.heads * row.head_dim > kWidestLayer; }},
    {"bfloat16 rounds away what is left where values cancel",
     [](const Words& row) { return row.dtype == "bfloat16" && row.regime == "cancelling_v"; }},
    {"the mean of many subnormal values is none in bfloat16",
     [](const Words& row) { return row.dtype == "bfloat16" && row.regime == "subnormal_v" && row.keys > 33; }},
    {"the mean of tens of thousands of values is less than bfloat16 may be off by",
     [](const Words& row) { return row.dtype == "bfloat16" && row.keys > 4097; }},
    {"the mean of thousands of subnormal values is less than their products may lose",
     [](const Words& row) { return row.regime == "subnormal_v" && row.keys > 1025; }},
    {"beside attended empty slots of score 0 such weights are subnormal: the answer is less than storing them may lose",
     [](const Words& row) {
       return row.dtype == "bfloat16" && row.regime == "far_below" && row.path == "empty_slots";
     }},
    {"in a layer of bfloat16 the rounding of q and k outweighs scores of this size",
     [](const Words& row) {
       const bool far = row.regime.starts_with("far_") || row.regime == "equal_huge" || row.regime == "subnormal_v";
       return row.is_layer() && row.dtype == "bfloat16" && far;
     }},
    {"too much work for a draw: the group large/ has it",
     [](const Words& row) { return row.keys * row.heads * row.batch * row.head_dim * row.query_count() > kMostWork; }},
};

}  // namespace

std::string_view exclusion(const CoverageRow& row) {
  const Words words(row);
  const auto found =
      std::ranges::find_if(kExclusions, [&](const Exclusion& exclusion) { return exclusion.excludes(words); });
  return found == std::end(kExclusions) ? "" : found->reason;
}

std::int64_t work_of(const CoverageRow& row) {
  const Words words(row);
  return words.keys * words.heads * words.batch * words.head_dim * words.query_count();
}

}  // namespace attest::harness
