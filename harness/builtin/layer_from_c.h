#pragma once

#include "fixtures/case.h"
#include "harness/attest_implementation.h"

/// The C interface's layer in the words of the contract, where the built-in implementations begin. Everything is
/// copied.
namespace attest::builtin {

PosEmbeddings embedding_of(std::int32_t pairing, std::int64_t head_dim, const DLTensor& cos);
RotaryTables tables_of(const DLTensor& cos, const DLTensor& sin);
Mask mask_of(const attest_attention& in);
std::optional<Tensor> keep_of(const attest_attention& in);

LayerSpec layer_of(const attest_layer& in);

/// Throws InputError where no `input_pos` of torchtune gives x and y the positions that they have.
Inputs inputs_of(const attest_layer& in);

}  // namespace attest::builtin
