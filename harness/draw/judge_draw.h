#pragma once

#include <memory>
#include <vector>

#include "harness/draw/drawn_attention.h"
#include "harness/judge/case_truth.h"
#include "harness/judge/implementation.h"

/// A draw and its verdict: the attention alone on some of its tokens, or the calls of a layer end to end.
namespace attest::harness {

/// An attention alone, and its truth on some tokens, each with all its keys.
struct AttentionProblem {
  AttentionCall call;
  std::vector<reference::TokenIndex> tokens;
  reference::StageTruth truth;
  double largest_value = 0.0;  ///< in size, of the finite ones and what dropout makes of them: no mean is larger
  std::uint64_t inputs_fingerprint = 0;
};

/// A mix of every byte of q, k and v.
std::uint64_t fingerprint_of(const AttentionCall& call);

/// A layer's calls and what they are judged by, end to end.
struct LayerProblem {
  DrawnCalls calls;
  JudgedCase judged;  ///< of calls.item, without localised truths

  LayerProblem(DrawnCalls its_calls, reference::ScoreStorage scores);
};

/// A draw with its inputs and truth: made once, shared by all implementations.
struct DrawnProblem {
  CaseDraw draw;                                      ///< valid
  reference::ScoreStorage scores{};                   ///< by whose budget
  std::shared_ptr<const AttentionProblem> attention;  ///< of a draw with `alone`; else null
  std::shared_ptr<const LayerProblem> layer;          ///< of any other
  /// What is called draw.calls_before times before; null where it is the draw's own call, or none.
  std::shared_ptr<const AttentionCall> attention_before;
  std::shared_ptr<const DrawnCalls> layer_before;
};

/// Tokens on which an attention of the draw is judged: first and last, some at a tile's border, some random ones.
std::vector<reference::TokenIndex> sampled_tokens(const CaseDraw& draw, const AttentionCall& call);

/// The problem of nearest_valid(draw).
DrawnProblem problem_of(const CaseDraw& draw, reference::ScoreStorage scores = reference::ScoreStorage::float32);

/// Whether a wrong answer could fail: every truth is more than its budget away from zero somewhere, and none of a
/// layer's stages is constant.
bool can_tell(const DrawnProblem& problem);

/// Whether a failed attention is explained, which may cost more than all else.
enum class Explaining { yes, no };

/// Judges one implementation on a drawn case: the attention alone on sampled tokens, and the layer where the draw's
/// path is one. A result's case_name is the draw's line. One who declares other scores than the problem's is asked it
/// with the budget of those.
std::vector<Result> judge_draw(const DrawnProblem& problem, const Implementation& implementation,
                               Explaining explaining = Explaining::yes);

}  // namespace attest::harness
