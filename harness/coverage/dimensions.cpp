#include "harness/coverage/dimensions.h"

#include <algorithm>
#include <iterator>

namespace attest::harness {
namespace {

using Draw = CaseDraw;

template <MaskKind kind, MaskBroadcast broadcast = MaskBroadcast::none>
constexpr auto kMaskOf = [](Draw& draw) {
  draw.mask = kind;
  draw.broadcast = broadcast;
};

using enum MaskBroadcast;
constexpr DimensionValue kMasks[] = {
    {"none", kMaskOf<MaskKind::none>},
    {"causal", kMaskOf<MaskKind::causal>},
    {"packed", kMaskOf<MaskKind::packed>},
    {"documents", kMaskOf<MaskKind::documents>},
    {"bool[b,s_x,s_k]", kMaskOf<MaskKind::boolean>},
    {"bool[1,s_x,s_k]", kMaskOf<MaskKind::boolean, b>},
    {"bool[b,1,s_k]", kMaskOf<MaskKind::boolean, s_x>},
    {"bool[1,1,s_k]", kMaskOf<MaskKind::boolean, b_s_x>},
    {"bool[b,s_x,1]", kMaskOf<MaskKind::boolean, s_k>},
    {"bool[1,s_x,1]", kMaskOf<MaskKind::boolean, b_s_k>},
    {"bool[b,1,1]", kMaskOf<MaskKind::boolean, s_x_s_k>},
    {"bool[1,1,1]", kMaskOf<MaskKind::boolean, all>},
    {"float[b,s_x,s_k]", kMaskOf<MaskKind::floating>},
    {"float[1,s_x,s_k]", kMaskOf<MaskKind::floating, b>},
    {"float[b,1,s_k]", kMaskOf<MaskKind::floating, s_x>},
    {"float[1,1,s_k]", kMaskOf<MaskKind::floating, b_s_x>},
    {"float[b,s_x,1]", kMaskOf<MaskKind::floating, s_k>},
    {"float[1,s_x,1]", kMaskOf<MaskKind::floating, b_s_k>},
    {"float[b,1,1]", kMaskOf<MaskKind::floating, s_x_s_k>},
    {"float[1,1,1]", kMaskOf<MaskKind::floating, all>},
};

template <HiddenKeys hidden>
constexpr auto kHide = [](Draw& draw) { draw.hidden = hidden; };

constexpr DimensionValue kHidden[] = {
    {"none", kHide<HiddenKeys::none>},
    {"random", kHide<HiddenKeys::random>},
    {"leading", kHide<HiddenKeys::leading>},
    {"middle", kHide<HiddenKeys::middle>},
    {"trailing", kHide<HiddenKeys::trailing>},
    {"alternating", kHide<HiddenKeys::alternating>},
    {"whole_rows", kHide<HiddenKeys::whole_rows>},
    {"all_but_one", kHide<HiddenKeys::all_but_one>},
};

template <std::int64_t count>
constexpr auto kKeyCount = [](Draw& draw) { draw.s_x = draw.s_y = count; };

constexpr DimensionValue kKeyCounts[] = {
    {"15", kKeyCount<15>},     {"16", kKeyCount<16>},      {"17", kKeyCount<17>},     {"31", kKeyCount<31>},
    {"32", kKeyCount<32>},     {"33", kKeyCount<33>},      {"63", kKeyCount<63>},     {"64", kKeyCount<64>},
    {"65", kKeyCount<65>},     {"127", kKeyCount<127>},    {"128", kKeyCount<128>},   {"129", kKeyCount<129>},
    {"255", kKeyCount<255>},   {"256", kKeyCount<256>},    {"257", kKeyCount<257>},   {"511", kKeyCount<511>},
    {"512", kKeyCount<512>},   {"513", kKeyCount<513>},    {"1023", kKeyCount<1023>}, {"1024", kKeyCount<1024>},
    {"1025", kKeyCount<1025>}, {"2047", kKeyCount<2047>},  {"2048", kKeyCount<2048>}, {"2049", kKeyCount<2049>},
    {"4095", kKeyCount<4095>}, {"4096", kKeyCount<4096>},  {"4097", kKeyCount<4097>}, {"1", kKeyCount<1>},
    {"5", kKeyCount<5>},       {"65537", kKeyCount<65537>}};
constexpr int kValuesInClasses = 27, kValuesInTileSizes = 9;

template <std::size_t family_length>
struct FamilyName {
  char text[family_length];
  constexpr FamilyName(const char (&name)[family_length]) { std::copy_n(name, family_length, text); }
};
template <FamilyName name>
constexpr DimensionValue kFamily = {std::string_view(name.text), [](Draw& draw) { draw.family = name.text; }};

constexpr DimensionValue kRegimes[] = {
    kFamily<"randn">,
    kFamily<"far_below">,
    kFamily<"far_above">,
    kFamily<"equal_huge">,
    kFamily<"large_logits">,
    kFamily<"ascending_logits">,
    kFamily<"max_in_last_block">,
    kFamily<"rare_key">,
    kFamily<"cancelling_v">,
    kFamily<"subnormal_v">,
    {"nan_in_hidden", [](Draw& draw) { draw.poison = true; }},
};

constexpr std::int64_t kEmptySlots = 3;

/// The attention alone, or a layer around it; s_x holds the number of keys until `queries` is applied.
template <KeySource keys, bool alone>
constexpr auto kPath = [](Draw& draw) {
  draw.keys = keys;
  draw.alone = alone;
  if (!alone) draw.d_per_head = 4;
};

constexpr DimensionValue kPaths[] = {
    {"self", kPath<KeySource::self, true>},
    {"cross", kPath<KeySource::cross, true>},
    {"decode", kPath<KeySource::cache, true>},
    {"chunk", kPath<KeySource::cache, true>},
    {"empty_slots",
     [](Draw& draw) {
       kPath<KeySource::cache, true>(draw);
       draw.spare = kEmptySlots;
       draw.s_x = std::max<std::int64_t>(draw.s_x - kEmptySlots, 1);
     }},
    {"layer_self", kPath<KeySource::self, false>},
    {"layer_cross", kPath<KeySource::cross, false>},
    {"layer_decode", kPath<KeySource::cache, false>},
    {"layer_chunk", kPath<KeySource::cache, false>},
};

template <std::int64_t count>
constexpr auto kQueryCount = [](Draw& draw) {
  if (draw.keys == KeySource::cache) {
    draw.filled = draw.s_x - count;
    draw.chunk = count;
  } else {
    draw.s_x = count;
  }
};

constexpr DimensionValue kQueries[] = {
    {"1", kQueryCount<1>},   {"2", kQueryCount<2>},   {"7", kQueryCount<7>},   {"16", kQueryCount<16>},
    {"17", kQueryCount<17>}, {"33", kQueryCount<33>}, {"65", kQueryCount<65>}, {"as keys", [](Draw&) {}},
};

template <std::int64_t n_kv, std::int64_t q_per_kv>
constexpr auto kHeadCount = [](Draw& draw) {
  draw.n_kv = n_kv;
  draw.q_per_kv = q_per_kv;
};

constexpr DimensionValue kHeads[] = {
    {"1/1", kHeadCount<1, 1>},   {"2/2", kHeadCount<2, 1>},    {"3/3", kHeadCount<3, 1>},  {"2/1", kHeadCount<1, 2>},
    {"3/1", kHeadCount<1, 3>},   {"4/2", kHeadCount<2, 2>},    {"6/2", kHeadCount<2, 3>},  {"6/3", kHeadCount<3, 2>},
    {"15/3", kHeadCount<3, 5>},  {"8/1", kHeadCount<1, 8>},    {"16/4", kHeadCount<4, 4>}, {"33/33", kHeadCount<33, 1>},
    {"33/1", kHeadCount<1, 33>}, {"128/8", kHeadCount<8, 16>},
};

template <std::int64_t count>
constexpr auto kBatch = [](Draw& draw) { draw.b = count; };
constexpr DimensionValue kBatches[] = {
    {"1", kBatch<1>}, {"2", kBatch<2>}, {"3", kBatch<3>}, {"5", kBatch<5>}, {"33", kBatch<33>}};

template <std::int64_t count>
constexpr auto kWidth = [](Draw& draw) { draw.h_d = count; };
constexpr DimensionValue kHeadDims[] = {{"2", kWidth<2>},     {"5", kWidth<5>},    {"8", kWidth<8>},
                                        {"33", kWidth<33>},   {"64", kWidth<64>},  {"80", kWidth<80>},
                                        {"128", kWidth<128>}, {"256", kWidth<256>}};

constexpr DimensionValue kDTypes[] = {{"float32", [](Draw& draw) { draw.dtype = DType::float32; }},
                                      {"bfloat16", [](Draw& draw) { draw.dtype = DType::bfloat16; }}};

template <CallsBefore before, std::int64_t count>
constexpr auto kHistory = [](Draw& draw) {
  draw.before = before;
  draw.calls_before = count;
};
constexpr DimensionValue kHistories[] = {{"none", kHistory<CallsBefore::same, 0>},
                                         {"same", kHistory<CallsBefore::same, 2>},
                                         {"other_values", kHistory<CallsBefore::other_values, 1>},
                                         {"larger", kHistory<CallsBefore::larger, 1>},
                                         {"smaller", kHistory<CallsBefore::smaller, 1>}};

constexpr std::array<DimensionTable, kDimensions> kTables = {{{"mask", kMasks},
                                                              {"hidden", kHidden},
                                                              {"keys", kKeyCounts},
                                                              {"regime", kRegimes},
                                                              {"path", kPaths},
                                                              {"queries", kQueries},
                                                              {"heads", kHeads},
                                                              {"batch", kBatches},
                                                              {"head_dim", kHeadDims},
                                                              {"dtype", kDTypes},
                                                              {"history", kHistories}}};

}  // namespace

std::span<const DimensionTable> dimensions() { return kTables; }

std::string_view word_at(const CoverageRow& row, Dimension dimension) {
  const std::int8_t value = at(row, dimension);
  if (value == kUnset) return "";
  return kTables[static_cast<std::size_t>(dimension)].values[static_cast<std::size_t>(value)].word;
}

CaseDraw draw_of(const CoverageRow& row, std::uint64_t seed) {
  CaseDraw draw;
  draw.seed = seed;
  for (std::size_t d = 0; d < kDimensions; ++d) kTables[d].values[static_cast<std::size_t>(row[d])].apply(draw);
  return nearest_valid(draw);
}

int size_class(std::int8_t keys) {
  if (keys == kUnset || keys >= kValuesInClasses) return -1;
  return keys / kValuesInTileSizes * 3 + keys % 3;
}

std::string_view size_class_name(int size_class) {
  constexpr std::string_view kNames[] = {"below 16..64",     "at 16..64",     "above 16..64",
                                         "below 128..512",   "at 128..512",   "above 128..512",
                                         "below 1024..4096", "at 1024..4096", "above 1024..4096"};
  static_assert(std::size(kNames) == kSizeClasses);
  return kNames[size_class];
}

}  // namespace attest::harness
