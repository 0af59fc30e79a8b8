#pragma once

#include <cstdint>
#include <optional>
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
///   boolean          bool, the keys that `hidden` says are hidden
///   floating         float32, random biases, and -inf for the keys that `hidden` says are hidden
///   packed           bool [b, s_x, s_x]: documents, each causal; positions restart with each
///   documents        the same documents as their lengths
///   blocks           a BlockMask: what `hidden` says in blocks that are full, empty or neither
enum class MaskKind { none, causal, boolean, floating, packed, documents, blocks };

/// Which axes of a boolean or floating mask [b, s_x, s_k] have one entry for all.
enum class MaskBroadcast { none, b, s_x, b_s_x, s_k, b_s_k, s_x_s_k, all };

/// Which keys a row of a boolean or floating mask hides. A row for all samples or all tokens hides the same of each.
///   random       about a third; one row in eight sees nothing
///   none         none
///   leading      the first ones, a quarter at least, up to all but one
///   middle       a run within
///   trailing     the last ones, a quarter at least, up to all but one
///   alternating  every odd one; one row in eight sees nothing
///   whole_rows   all keys, in every other row
///   all_but_one  all but one
enum class HiddenKeys { random, none, leading, middle, trailing, alternating, whole_rows, all_but_one };

/// Where keys and values come from.
///   self         y is x
///   cross        y is another tensor
///   cache        y is x, `chunk` tokens a call, appended to an enabled cache of s_x + spare slots
///   cross_cache  the first call fills a cache of s_y + spare slots from y; the later ones pass no y and read it
enum class KeySource { self, cross, cache, cross_cache };

enum class RotaryKind { none, interleaved, llama3, phi3, qwen2 };

/// input_pos: not given, one row for the batch, or one for each sample.
enum class PositionKind { implied, shared, each };

/// What the calls that go before compute: the very same; the same shapes with other numbers; a larger or a smaller
/// call.
enum class CallsBefore { same, other_values, larger, smaller };

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
  MaskBroadcast broadcast = MaskBroadcast::none;  ///< of a boolean or floating mask
  HiddenKeys hidden = HiddenKeys::random;         ///< by a boolean or floating mask
  KeySource keys = KeySource::self;
  std::int64_t chunk = 1;   ///< tokens a call, with a cache
  std::int64_t spare = 0;   ///< cache slots that stay empty
  std::int64_t filled = 0;  ///< of the s_x tokens, those whose keys and values lie in the cache before the first call
  /// Only the attention, on q, k and v that the draw makes itself: no layer. With a cache it is that of one call.
  bool alone = false;
  bool poison = false;  ///< alone, or in filled slots: NaN and infinity in the keys that the mask hides from every row
  std::int64_t calls_before = 0;
  CallsBefore before = CallsBefore::same;
  RotaryKind rotary = RotaryKind::none;
  PositionKind positions = PositionKind::implied;
  bool norm = false;
  std::int64_t dropout = 0;  ///< hundredths, in training
  bool norm_first = false;   ///< before the rotary embedding
  std::int64_t scale = 0;    ///< of the scores, in eighths of 1/sqrt(h_d); 0: none is said
  bool bias = false;
  DType dtype = DType::float32;

  std::int64_t num_heads() const { return n_kv * q_per_kv; }
  bool has_documents() const { return mask == MaskKind::packed || mask == MaskKind::documents; }
  bool has_cache() const { return keys == KeySource::cache || keys == KeySource::cross_cache; }
  bool has_own_mask() const { return mask == MaskKind::boolean || mask == MaskKind::floating; }
  /// Tokens that are called with, of s_x.
  std::int64_t called_tokens() const { return s_x - filled; }
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

/// Whether the draw is one that a case of calls cannot say: an attention alone, a cache that is filled without a call.
bool needs_no_calls(const CaseDraw& draw);

/// Keys and values [b, n_kv, filled, h_d] that lie in a cache before the first call.
struct FilledCache {
  Tensor k, v;
};

struct DrawnCalls {
  Case item;  ///< without `expected`
  std::optional<FilledCache> filled;
};

/// The calls of a valid draw of a layer.
DrawnCalls drawn_calls(const CaseDraw& draw);

/// The case of nearest_valid(draw). Its `expected` stages are the float reference's: inputs of the localised stages,
/// evidence of nothing. Its `truth` is empty. Throws InputError for an unknown family, and for a draw that no case can
/// say.
Case drawn_case(const CaseDraw& draw);

}  // namespace attest::harness
