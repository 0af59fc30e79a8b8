#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fixtures/config.h"

/// What `attest profile` times: one call of a layer, or of its attention alone.
namespace attest::harness {

enum class WorkKind {
  prefill,    ///< "prefill:512": 512 tokens, causal, no cache
  cached,     ///< "cached:512/32768": 512 tokens into an empty cache of 32768 slots, with torchtune's bool mask
  decode,     ///< "decode:32768": one token, the last of a cache of 32768 slots
  packed,     ///< "packed:8x512": 8 documents of 512 tokens, a block-causal bool mask
  documents,  ///< "documents:8x512": the same, given as the lengths of the documents
  blocks,     ///< "blocks:8x512": the same, given as a BlockMask of blocks of 128
  cross,      ///< "cross:512/1601": 512 tokens attend 1601 of another sequence, all of them, without positions
  attention,  ///< "attention:4096": causal attention alone, 4096 queries and keys
};

struct WorkItem {
  WorkKind kind = WorkKind::prefill;
  std::int64_t documents = 1;  ///< of packed, documents and blocks
  std::int64_t length = 0;     ///< new tokens of one document
  std::int64_t slots = 0;      ///< of the cache; 0 without one
  std::int64_t others = 0;     ///< tokens of y, where that is another tensor than x
  std::int64_t batch = 1;      ///< samples; the text does not name it
};

/// "prefill:512,decode:32768" -> items in that order. Throws InputError naming the grammar.
std::vector<WorkItem> work_items_from_text(std::string_view text);
std::string to_text(const WorkItem& item);

/// Of one sample.
inline std::int64_t new_tokens(const WorkItem& item) { return item.documents * item.length; }

/// Tokens of one sample that keys and values are projected from.
inline std::int64_t key_tokens(const WorkItem& item) { return item.others > 0 ? item.others : new_tokens(item); }

/// Filled slots of the cache when the call begins.
inline std::int64_t filled_before(const WorkItem& item) { return item.kind == WorkKind::decode ? item.slots - 1 : 0; }

/// What has to be done and moved at least, whatever the implementation (formulas in work_item.cpp).
struct StageCounts {
  std::int64_t flops = 0;
  std::int64_t bytes = 0;  ///< read and written, as if nothing stayed in a cache between stages
};

struct WorkCounts {
  StageCounts input_projections;  ///< of q, k and v
  StageCounts scores;             ///< Q K^T, of unmasked pairs only
  StageCounts values;             ///< P V
  StageCounts output_projection;
  /// Of the whole call, in which nothing but weights, tokens in and out and the cache has to be moved.
  std::int64_t bytes = 0;

  std::int64_t attention_flops() const { return scores.flops + values.flops; }
  std::int64_t flops() const { return input_projections.flops + attention_flops() + output_projection.flops; }
};

WorkCounts count_work(const Config& config, const WorkItem& item);

}  // namespace attest::harness
