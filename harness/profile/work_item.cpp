#include "harness/profile/work_item.h"

#include <algorithm>
#include <charconv>

#include "fixtures/error.h"

namespace attest::harness {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 20;

[[noreturn]] void refuse(std::string_view text) {
  throw InputError("--work",
                   "a list of prefill:TOKENS, decode:FILLED, packed:DOCUMENTSxTOKENS, "
                   "documents:DOCUMENTSxTOKENS, blocks:DOCUMENTSxTOKENS, cached:TOKENS/SLOTS, cross:TOKENS/OTHERS, "
                   "attention:TOKENS, of 1 to 1048576 tokens",
                   "'" + std::string(text) + "'");
}

/// The whole of `digits` as a number from 1 to kMostTokens.
std::int64_t number(std::string_view digits, std::string_view item) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 1 || value > kMostTokens) refuse(item);
  return value;
}

/// "AsB" split at the separator s.
std::pair<std::int64_t, std::int64_t> two_numbers(std::string_view text, char separator, std::string_view item) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) refuse(item);
  return {number(text.substr(0, at), item), number(text.substr(at + 1), item)};
}

WorkItem checked(WorkItem work, std::string_view text) {
  if (work.length > kMostTokens / work.documents || (work.slots > 0 && work.length > work.slots)) refuse(text);
  return work;
}

constexpr std::pair<WorkKind, std::string_view> kFormsOfDocuments[] = {
    {WorkKind::packed, "packed"}, {WorkKind::documents, "documents"}, {WorkKind::blocks, "blocks"}};

WorkItem work_item_from_text(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) refuse(text);
  const std::string_view kind = text.substr(0, colon), size = text.substr(colon + 1);
  if (kind == "prefill") return {.kind = WorkKind::prefill, .length = number(size, text)};
  if (kind == "attention") return {.kind = WorkKind::attention, .length = number(size, text)};
  if (kind == "decode") return {.kind = WorkKind::decode, .length = 1, .slots = number(size, text)};
  for (const auto& [form, name] : kFormsOfDocuments) {
    if (kind != name) continue;
    const auto [documents, length] = two_numbers(size, 'x', text);
    return checked({.kind = form, .documents = documents, .length = length}, text);
  }
  if (kind == "cached") {
    const auto [length, slots] = two_numbers(size, '/', text);
    return checked({.kind = WorkKind::cached, .length = length, .slots = slots}, text);
  }
  if (kind == "cross") {
    const auto [length, others] = two_numbers(size, '/', text);
    return {.kind = WorkKind::cross, .length = length, .others = others};
  }
  refuse(text);
}

/// Pairs of a query and a key that is not masked, for one head.
std::int64_t unmasked_pairs(const WorkItem& item) {
  if (item.kind == WorkKind::cross) return item.length * item.others;
  return item.documents * (item.length * (item.length + 1) / 2) + new_tokens(item) * filled_before(item);
}

constexpr std::int64_t kWord = 4;  // bytes of a float32

}  // namespace

std::vector<WorkItem> work_items_from_text(std::string_view text) {
  std::vector<WorkItem> items;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    items.push_back(work_item_from_text(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return items;
}

std::string to_text(const WorkItem& item) {
  switch (item.kind) {
    case WorkKind::prefill:
      return "prefill:" + std::to_string(item.length);
    case WorkKind::cached:
      return "cached:" + std::to_string(item.length) + "/" + std::to_string(item.slots);
    case WorkKind::decode:
      return "decode:" + std::to_string(item.slots);
    case WorkKind::packed:
      return "packed:" + std::to_string(item.documents) + "x" + std::to_string(item.length);
    case WorkKind::documents:
      return "documents:" + std::to_string(item.documents) + "x" + std::to_string(item.length);
    case WorkKind::blocks:
      return "blocks:" + std::to_string(item.documents) + "x" + std::to_string(item.length);
    case WorkKind::cross:
      return "cross:" + std::to_string(item.length) + "/" + std::to_string(item.others);
    case WorkKind::attention:
      return "attention:" + std::to_string(item.length);
  }
  return "";
}

/// FLOPs: projections 2 d n_h h_d s and 2 d 2 n_kv h_d s_y, output the like, attention 4 n_h h_d P (half of them
/// scores, half values), P the unmasked pairs; each for every sample. Rotary embedding, norm and softmax are not
/// counted. Bytes of a stage: its weights, and what it reads and writes once: scores the queries and keys, values the
/// values and what they become; keys and values are those that lie in the cache when the call ends.
WorkCounts count_work(const Config& config, const WorkItem& item) {
  const std::int64_t s = item.batch * new_tokens(item), s_y = item.batch * key_tokens(item), d = config.embed_dim;
  const std::int64_t queries = config.num_heads * config.head_dim, keys = config.num_kv_heads * config.head_dim;
  const std::int64_t seen = item.batch * (filled_before(item) + key_tokens(item));
  WorkCounts counts;
  counts.scores =
      counts.values = {2 * queries * item.batch * unmasked_pairs(item), kWord * (s * queries + seen * keys)};
  if (item.kind == WorkKind::attention) {
    counts.bytes = counts.scores.bytes + counts.values.bytes;
    return counts;
  }
  const std::int64_t weights = d * (queries + 2 * keys), width = std::get<Linear>(config.output_proj).out_features;
  const std::int64_t tokens = s * d + (item.others > 0 ? s_y * d : 0);
  counts.input_projections = {2 * d * (s * queries + s_y * 2 * keys),
                              kWord * (weights + tokens + s * queries + s_y * 2 * keys)};
  counts.output_projection = {2 * s * queries * width, kWord * (queries * width + s * queries + s * width)};
  const std::int64_t cached = item.slots > 0 ? 2 * keys * seen : 0;
  counts.bytes = kWord * (weights + queries * width + tokens + s * width + cached);
  return counts;
}

}  // namespace attest::harness
