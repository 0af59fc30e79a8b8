#pragma once

#include "harness/attest_implementation.h"
#include "harness/bug_zoo/recipe.h"

/// An attention layer in plain float32 loops, made after a recipe: the functions of attest_implementation.h.
namespace attest::bug_zoo {

void linear(const attest_linear& call, const Recipe& recipe);
void rotary(const attest_rotary& call, const Recipe& recipe);
void norm(const attest_norm& call, const Recipe& recipe);
void attention(const attest_attention& call, const Recipe& recipe, std::int32_t threads);
void layer(const attest_layer& call, const Recipe& recipe, std::int32_t threads);

}  // namespace attest::bug_zoo
