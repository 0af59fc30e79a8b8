#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "fixtures/case.h"

/// Generated cases: a few small integers become a complete, valid case, the same bits on every machine. What is random
/// is counted out of `seed`, so a case shrinks by its shape and its family, never float by float.
namespace attest::harness {

/// What limits the keys that a token sees.
///   none             nothing: is_causal is false
///   causal           is_causal; with a cache, where torchtune switches that off, a lower triangle over the slots
///   boolean          bool [b, s_x, s_k], random, with fully masked rows
///   boolean_keys     bool [b, 1, s_k]: padding of each sample
///   floating         float32 [b, s_x, s_k], random biases, some -inf
///   floating_shared  float32 [1, s_x, s_k]
///   packed           bool [b, s_x, s_x]: documents, each causal; positions restart with each
///   documents        the same documents as their lengths
enum class MaskKind { none, causal, boolean, boolean_keys, floating, floating_shared, packed, documents };

/// Where keys and values come from.
///   self         y is x
///   cross        y is another tensor
///   cache        y is x, `chunk` tokens a call, appended to an enabled cache of s_x + spare slots
///   cross_cache  the first call fills a cache of s_y + spare slots from y; the later ones pass no y and read it
enum class KeySource { self, cross, cache, cross_cache };

enum class RotaryKind { none, interleaved, llama3, phi3, qwen2 };

/// input_pos: not given, one row for the batch, or one for each sample.
enum class PositionKind { implied, shared, each };

/// Every field's default is the simplest value, towards which a case shrinks.
struct CaseDraw {
  std::string family = "randn";  ///< one of drawn_families()
  std::uint64_t seed = 0;
  std::int64_t b = 1;
  std::int64_t s_x = 1;  ///< tokens of all calls together
  std::int64_t s_y = 1;  ///< cross and cross_cache only
  std::int64_t n_kv = 1;
  std::int64_t q_per_kv = 1;
  std::int64_t h_d = 2;
  std::int64_t d_per_head = 1;  ///< embed_dim / num_heads
  MaskKind mask = MaskKind::none;
  KeySource keys = KeySource::self;
  std::int64_t chunk = 1;  ///< tokens a call, with a cache
  std::int64_t spare = 0;  ///< cache slots that stay empty
  RotaryKind rotary = RotaryKind::none;
  PositionKind positions = PositionKind::implied;
  bool norm = false;
  bool bias = false;
  DType dtype = DType::float32;

  std::int64_t num_heads() const { return n_kv * q_per_kv; }
  bool has_documents() const { return mask == MaskKind::packed || mask == MaskKind::documents; }
  bool has_cache() const { return keys == KeySource::cache || keys == KeySource::cross_cache; }
  /// Keys of all calls together, and the columns of their mask: empty slots count.
  std::int64_t key_tokens() const { return keys == KeySource::self || keys == KeySource::cache ? s_x : s_y; }
  std::int64_t mask_columns() const { return key_tokens() + spare; }
  bool operator==(const CaseDraw&) const = default;
};

/// The families that can be drawn, the simplest first: most of fixtures/family.h. Those that say what attention sees
/// have projections that select q, k and v out of x, as the exporter's do (scripts/exporter/selected_inputs.py).
std::span<const std::string_view> drawn_families();

/// The nearest draw whose parts fit together: whatever the integers, there is one. Valid draws stay as they are.
CaseDraw nearest_valid(CaseDraw draw);

/// The case of nearest_valid(draw). Its `expected` stages are the float reference's: inputs of the localised stages,
/// evidence of nothing. Its `truth` is empty. Throws InputError for an unknown family.
Case drawn_case(const CaseDraw& draw);

}  // namespace attest::harness
