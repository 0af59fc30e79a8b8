#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fixtures/config.h"

/// What `attest profile` times: one call of a layer, or of its attention alone. Batch size 1.
namespace attest::harness {

enum class WorkKind {
  prefill,    ///< "prefill:512": 512 tokens, causal, no cache
  cached,     ///< "cached:512/32768": 512 tokens into an empty cache of 32768 slots, with torchtune's bool mask
  decode,     ///< "decode:32768": one token, the last of a cache of 32768 slots
  packed,     ///< "packed:8x512": 8 documents of 512 tokens, a block-causal bool mask
  documents,  ///< "documents:8x512": the same, given as the lengths of the documents
  attention,  ///< "attention:4096": causal attention alone, 4096 queries and keys
};

struct WorkItem {
  WorkKind kind = WorkKind::prefill;
  std::int64_t documents = 1;  ///< of packed and documents
  std::int64_t length = 0;     ///< new tokens of one document
  std::int64_t slots = 0;      ///< of the cache; 0 without one
};

/// "prefill:512,decode:32768" -> items in that order. Throws InputError naming the grammar.
std::vector<WorkItem> work_items_from_text(std::string_view text);
std::string to_text(const WorkItem& item);

inline std::int64_t new_tokens(const WorkItem& item) { return item.documents * item.length; }

/// Filled slots of the cache when the call begins.
inline std::int64_t filled_before(const WorkItem& item) { return item.kind == WorkKind::decode ? item.slots - 1 : 0; }

/// What has to be done and moved at least, whatever the implementation (formulas in work_item.cpp).
struct WorkCounts {
  std::int64_t input_projection_flops = 0;  ///< of q, k and v
  std::int64_t attention_flops = 0;
  std::int64_t output_projection_flops = 0;
  std::int64_t bytes = 0;

  std::int64_t flops() const { return input_projection_flops + attention_flops + output_projection_flops; }
};

WorkCounts count_work(const Config& config, const WorkItem& item);

}  // namespace attest::harness
