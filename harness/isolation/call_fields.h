#pragma once

#include <stdexcept>
#include <string>

#include "harness/attest_implementation.h"

/// The functions of the C interface and the fields of the structs that they take, under the names by which the harness
/// and its worker speak of them: one list for the side that fills a call and for the side that makes it.
namespace attest::harness {

/// `visit(name, function)`, which is null where a library does not offer it.
template <class Visit>
void visit_fields(const attest_implementation& library, Visit&& visit) {
  visit("linear", library.linear);
  visit("rotary", library.rotary);
  visit("norm", library.norm);
  visit("attention", library.attention);
  visit("layer", library.layer);
}

/// Behind a tensor that may be null. Every number is required.
struct Optional {};

/// `visit(name, member)` is called with an int64, an int32, a double or a tensor; a tensor that may be null has
/// Optional behind it. A list of named tensors has its length there; its name begins theirs.
template <class Visit>
void visit_fields(attest_linear& linear, Visit&& visit) {
  visit("x", linear.x);
  visit("weight", linear.weight);
  visit("bias", linear.bias, Optional());
  visit("out", linear.out);
}

template <class Visit>
void visit_fields(attest_rotary& rotary, Visit&& visit) {
  visit("x", rotary.x);
  visit("pairing", rotary.pairing);
  visit("cos", rotary.cos);
  visit("sin", rotary.sin);
  visit("positions", rotary.positions);
  visit("out", rotary.out);
}

template <class Visit>
void visit_fields(attest_norm& norm, Visit&& visit) {
  visit("x", norm.x);
  visit("scale", norm.scale);
  visit("eps", norm.eps);
  visit("out", norm.out);
}

/// What attention and a layer have alike that came later.
template <class Arguments, class Visit>
void visit_later_fields(Arguments& arguments, Visit&& visit) {
  visit("kv_num_blocks", arguments.kv_num_blocks, Optional());
  visit("kv_indices", arguments.kv_indices, Optional());
  visit("full_kv_num_blocks", arguments.full_kv_num_blocks, Optional());
  visit("full_kv_indices", arguments.full_kv_indices, Optional());
  visit("partial_blocks", arguments.partial_blocks, Optional());
  visit("keep", arguments.keep, Optional());
  visit("dropout_p", arguments.dropout_p);
}

template <class Visit>
void visit_fields(attest_attention& attention, Visit&& visit) {
  visit("q", attention.q);
  visit("k", attention.k);
  visit("v", attention.v);
  visit("mask", attention.mask, Optional());
  visit("is_causal", attention.is_causal);
  visit("scale", attention.scale);
  visit("out", attention.out);
  visit_later_fields(attention, visit);
}

template <class Visit>
void visit_fields(attest_layer& layer, Visit&& visit) {
  visit("embed_dim", layer.embed_dim);
  visit("num_heads", layer.num_heads);
  visit("num_kv_heads", layer.num_kv_heads);
  visit("head_dim", layer.head_dim);
  visit("is_causal", layer.is_causal);
  visit("pairing", layer.pairing);
  visit("cos", layer.cos, Optional());
  visit("sin", layer.sin, Optional());
  visit("has_norm", layer.has_norm);
  visit("q_norm_eps", layer.q_norm_eps);
  visit("k_norm_eps", layer.k_norm_eps);
  visit("weights/", layer.weights, layer.num_weights);
  visit("x", layer.x);
  visit("y", layer.y, Optional());
  visit("mask", layer.mask, Optional());
  visit("x_positions", layer.x_positions, Optional());
  visit("y_positions", layer.y_positions, Optional());
  visit("k_cache", layer.k_cache, Optional());
  visit("v_cache", layer.v_cache, Optional());
  visit("cache_filled", layer.cache_filled);
  visit("output", layer.output);
  visit("stages/", layer.stages, layer.num_stages);
  visit("scale", layer.scale);
  visit("norm_order", layer.norm_order);
  visit_later_fields(layer, visit);
}

/// "x" of &attest_linear::x, "linear" of &attest_implementation::linear. Throws std::logic_error for a member that the
/// list lacks.
template <class Arguments, class Member>
std::string name_of(Member Arguments::*field) {
  Arguments arguments{};
  std::string found;
  visit_fields(arguments, [&](const char* name, const auto& member, const auto&...) {
    if (static_cast<const void*>(&member) == &(arguments.*field)) found = name;
  });
  return found.empty() ? throw std::logic_error("a member that call_fields.h does not list") : found;
}

}  // namespace attest::harness
