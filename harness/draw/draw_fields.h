#pragma once

#include "harness/draw/drawn_case.h"

namespace attest::harness {

/// Calls visit(name, field) for every field of a draw, by the name that it has in CaseDraw.
template <class Draw, class Visit>
void visit_fields(Draw& draw, const Visit& visit) {
  visit("family", draw.family);
  visit("seed", draw.seed);
  visit("b", draw.b);
  visit("s_x", draw.s_x);
  visit("s_y", draw.s_y);
  visit("n_kv", draw.n_kv);
  visit("q_per_kv", draw.q_per_kv);
  visit("h_d", draw.h_d);
  visit("d_per_head", draw.d_per_head);
  visit("mask", draw.mask);
  visit("broadcast", draw.broadcast);
  visit("hidden", draw.hidden);
  visit("keys", draw.keys);
  visit("chunk", draw.chunk);
  visit("spare", draw.spare);
  visit("filled", draw.filled);
  visit("alone", draw.alone);
  visit("poison", draw.poison);
  visit("calls_before", draw.calls_before);
  visit("before", draw.before);
  visit("rotary", draw.rotary);
  visit("positions", draw.positions);
  visit("norm", draw.norm);
  visit("dropout", draw.dropout);
  visit("norm_first", draw.norm_first);
  visit("scale", draw.scale);
  visit("bias", draw.bias);
  visit("dtype", draw.dtype);
}

}  // namespace attest::harness
