/* The interface between the harness and an attention implementation that it judges: a shared library, in any language
 * that can export a C function.
 *
 *     attest verify --implementation ./my_kernel.so          or ./my_kernel.so#OPTION
 *
 * The library exports attest_get_implementation, which returns a table of functions. Any of them may be null: what it
 * would compute is then skipped, and the report says so. The harness calls them in a process of their own, with a time
 * limit; every buffer lies between inaccessible pages, inputs are read-only, outputs arrive filled with a NaN payload.
 * Arguments are those that torchtune accepts: a case in which it raises never reaches a library.
 * harness/example_kernel.c is a complete implementation, docs/bring_your_own_kernel.md shows how to try one.
 *
 * Tensors are DLPack's: contiguous and row-major, on the CPU (strides null, byte_offset 0), float32, bfloat16
 * (kDLBfloat) or, where declared, float16 as the layer stores them; bool is kDLUInt with 8 bits, 0 or 1. A pointer is
 * aligned to its element, to no more. Shape letters are torchtune's: b batch, s_x query tokens, s_y key/value tokens of
 * the call, s_k keys attended, n_h num_heads, n_kv num_kv_heads, d embed_dim, h_d head_dim.
 *
 * Growth: every struct begins with its size, as whoever fills it knows it. Later versions append fields and keep the
 * meaning of those before; a field is read only if struct_size covers it. None is put where a struct was padded before.
 */
#ifndef ATTEST_IMPLEMENTATION_H
#define ATTEST_IMPLEMENTATION_H

#include <dlpack/dlpack.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATTEST_ABI_VERSION 1u

/* What a function returns. Anything but ATTEST_DONE comes with a sentence in call->message. */
enum attest_status {
  ATTEST_DONE = 0,
  ATTEST_FAILED = 1,     /* it could not compute this; so is any value that is not named here */
  ATTEST_UNSUPPORTED = 2 /* a declared gap: this case is skipped, with the message as its reason */
};

/* How a call is made; the same for every function. */
typedef struct attest_call {
  size_t struct_size;
  int32_t num_threads; /* use at most this many */
  char* message;       /* receives a zero-terminated sentence */
  size_t message_capacity;
} attest_call;

/* y [..., out_features] = x [..., in_features] W^T + bias; torch.nn.Linear */
typedef struct attest_linear {
  size_t struct_size;
  const DLTensor* x;
  const DLTensor* weight; /* [out_features, in_features] */
  const DLTensor* bias;   /* [out_features], or null */
  DLTensor* out;
} attest_linear;

/* Which elements of a head form a pair (a, b), rotated to (a cos - b sin, b cos + a sin) in float32. */
enum attest_pairing {
  ATTEST_NO_ROTARY = 0,
  ATTEST_INTERLEAVED = 1,   /* (2i, 2i+1); torchtune's RotaryPositionalEmbeddings, Llama3ScaledRoPE */
  ATTEST_HALVES = 2,        /* (i, i + h_d/2); Phi3RotaryPositionalEmbeddings */
  ATTEST_HALVES_ROUNDED = 3 /* as HALVES, with tables, products and sum rounded to the dtype of x; Qwen2's */
};

/* out [b, s, n, h_d]: x rotated, pair i of the token (sample, t) by row positions[sample, t] of the tables */
typedef struct attest_rotary {
  size_t struct_size;
  const DLTensor* x;         /* [b, s, n, h_d] */
  int32_t pairing;           /* enum attest_pairing */
  const DLTensor* cos;       /* [rows, h_d/2], float32 */
  const DLTensor* sin;       /* [rows, h_d/2], float32 */
  const DLTensor* positions; /* [b, s], int64 */
  DLTensor* out;
} attest_rotary;

/* out [..., h_d] = x rsqrt(mean(x^2) + eps) scale over the last axis, in float32, one rounding; torchtune's RMSNorm */
typedef struct attest_norm {
  size_t struct_size;
  const DLTensor* x;
  const DLTensor* scale; /* [h_d] */
  double eps;
  DLTensor* out;
} attest_norm;

/* out [b, n_h, s_x, h_d] = softmax(scale q k^T + mask) v; head h reads key/value head h / (n_h / n_kv).
 * A row that sees no key is zero. */
typedef struct attest_attention {
  size_t struct_size;
  const DLTensor* q;    /* [b, n_h, s_x, h_d] */
  const DLTensor* k;    /* [b, n_kv, s_k, h_d] */
  const DLTensor* v;    /* [b, n_kv, s_k, h_d] */
  const DLTensor* mask; /* null; bool, 1: attends; or float, added to the scaled scores: any of [b|1, s_x|1, s_k|1] */
  int32_t is_causal;    /* 1: token i sees keys 0..i (top-left aligned); never together with a mask */
  double scale;
  DLTensor* out;

  /* With ATTEST_BLOCK_MASK, in place of `mask`; null where there is none. torch's BlockMask: blocks of tokens times
   * blocks of keys, each seen wholly, in part, or not at all. A row of blocks lists its columns: of each list the first
   * num_blocks count, and no column is in both. */
  const DLTensor* kv_num_blocks;      /* int32 [b|1, n_h|1, rows]: of the blocks that are seen in part */
  const DLTensor* kv_indices;         /* int32 [b|1, n_h|1, rows, columns] */
  const DLTensor* full_kv_num_blocks; /* the same of those that are seen wholly */
  const DLTensor* full_kv_indices;
  const DLTensor* partial_blocks; /* bool [p, tokens of a block, keys of a block]: what the p blocks show that are seen
                                   * in part, in the order of kv_indices; nothing beyond the last token and key */

  /* With ATTEST_DROPOUT: after the softmax each weight is multiplied with keep / (1 - dropout_p), with 0 where that p
   * is 1. */
  const DLTensor* keep; /* bool [b, n_h, s_x, s_k], or null: nothing is dropped */
  double dropout_p;     /* 0 without `keep` */
} attest_attention;

typedef struct attest_named_tensor {
  const char* name; /* "q_proj.weight" [n_h h_d, d], "q_proj.bias", "k_norm.scale" [h_d], ...: torchtune's names */
  const DLTensor* tensor;
} attest_named_tensor;

/* A stage that the harness would like to see; an implementation fills those it can give. */
typedef struct attest_stage {
  const char* name; /* "q_proj", "k_rope", "attention", ...: shapes in fixtures/case.h */
  DLTensor* tensor;
  int32_t given; /* 0; the implementation sets it to 1 after writing the tensor */
} attest_stage;

/* Where q_norm and k_norm stand. */
enum attest_norm_order {
  ATTEST_NORM_AFTER_ROTARY = 0, /* torchtune's MultiHeadAttention */
  ATTEST_NORM_BEFORE_ROTARY = 1 /* with ATTEST_NORM_ORDER: on [b, s, n, h_d], as torchtune's later Qwen3Attention */
};

/* One call of torchtune's MultiHeadAttention.forward: project, rotate, normalise, cache, attend, project. */
typedef struct attest_layer {
  size_t struct_size;

  int64_t embed_dim, num_heads, num_kv_heads, head_dim;
  int32_t is_causal; /* the causal bound holds for this call; never together with a mask or an enabled cache */
  int32_t pairing;   /* enum attest_pairing, of q and k */
  const DLTensor* cos;
  const DLTensor* sin;
  int32_t has_norm; /* RMSNorm of q ("q_norm.scale") and k ("k_norm.scale"), at norm_order's place */
  double q_norm_eps, k_norm_eps;
  const attest_named_tensor* weights;
  size_t num_weights;

  const DLTensor* x;    /* [b, s_x, d] */
  const DLTensor* y;    /* [b, s_y, d]: source of keys and values (x itself where torchtune was given x), or null:
                         * only the cache is read */
  const DLTensor* mask; /* as in attest_attention, over s_k keys: the cache's slots, or s_y */
  const DLTensor* x_positions; /* [b, s_x], int64; null without a rotary embedding */
  const DLTensor* y_positions; /* [b, s_y], int64; null without a rotary embedding or y */

  /* The cache [b, n_kv, slots, h_d], or null. The first cache_filled slots are filled, the others zero; keys and values
   * of y go into the next s_y slots. torchtune attends every slot: the zeros too, unless the mask hides them. */
  DLTensor* k_cache;
  DLTensor* v_cache;
  int64_t cache_filled;

  DLTensor* output;     /* [b, s_x, out_features of output_proj.weight] */
  attest_stage* stages; /* intermediates, optional */
  size_t num_stages;

  double scale;       /* of the scores: 1/sqrt(head_dim), or with ATTEST_SCALE another */
  int32_t norm_order; /* enum attest_norm_order */

  const DLTensor* kv_num_blocks; /* as in attest_attention: these five, with ATTEST_BLOCK_MASK, */
  const DLTensor* kv_indices;
  const DLTensor* full_kv_num_blocks;
  const DLTensor* full_kv_indices;
  const DLTensor* partial_blocks;
  const DLTensor* keep; /* and these, with ATTEST_DROPOUT */
  double dropout_p;
} attest_layer;

/* What an implementation promises beyond the numbers; the harness checks it. */
enum attest_claim {
  ATTEST_SAME_BITS_FOR_ANY_THREADS = 1 /* the bits of a result do not depend on num_threads */
};

/* What an implementation keeps a score (a logit) in before its softmax. It is judged by what that costs and the report
 * says so; without such a word scores are float32. */
enum attest_score_storage { ATTEST_SCORES_FLOAT32 = 0, ATTEST_SCORES_BFLOAT16 = 1, ATTEST_SCORES_FLOAT16 = 2 };

/* What an implementation says of its arithmetic, or-ed. The report shows it beside the verdict; the budget stays that
 * of float32. Without such a word sums are float32, products those of the numbers as they are stored or of float32, and
 * subnormals are kept. */
enum attest_arithmetic {
  ATTEST_SUMS_FLOAT64 = 1, /* one of the three at most */
  ATTEST_SUMS_BFLOAT16 = 2,
  ATTEST_SUMS_FLOAT16 = 4,
  ATTEST_PRODUCTS_TF32 = 8, /* factors are rounded to it first; one of the two at most */
  ATTEST_PRODUCTS_BFLOAT16 = 16,
  ATTEST_FLUSHES_SUBNORMALS = 32 /* takes them for zero, or gives zero for them */
};

/* What a case may need that the first libraries could not know of. A case that needs what is not declared is skipped.
 */
enum attest_feature {
  ATTEST_FLOAT16 = 1,    /* tensors of float16: kDLFloat of 16 bits */
  ATTEST_SCALE = 2,      /* a scale other than 1/sqrt(h_d) in attest_layer; attest_attention always had one */
  ATTEST_NORM_ORDER = 4, /* ATTEST_NORM_BEFORE_ROTARY */
  ATTEST_BLOCK_MASK = 8, /* torch's BlockMask */
  ATTEST_DROPOUT = 16    /* weights that are dropped in training */
};

typedef struct attest_implementation {
  size_t struct_size;
  uint32_t abi_version; /* ATTEST_ABI_VERSION */
  uint32_t claims;      /* of enum attest_claim, or-ed */
  int32_t (*linear)(const attest_linear*, attest_call*);
  int32_t (*rotary)(const attest_rotary*, attest_call*);
  int32_t (*norm)(const attest_norm*, attest_call*);
  int32_t (*attention)(const attest_attention*, attest_call*);
  int32_t (*layer)(const attest_layer*, attest_call*);
  uint32_t score_storage; /* enum attest_score_storage; a struct_size that ends before it means float32 */
  uint64_t arithmetic;    /* of enum attest_arithmetic, or-ed; a struct_size that ends before it means 0 */
  uint64_t features;      /* of enum attest_feature, or-ed; a struct_size that ends before it means 0 */
} attest_implementation;

/* The one symbol that a library exports. `option` is what the user wrote after '#', or "". Returns null if the library
 * knows no such version or option. */
#if defined(_WIN32)
#define ATTEST_EXPORT __declspec(dllexport)
#else
#define ATTEST_EXPORT __attribute__((visibility("default")))
#endif
ATTEST_EXPORT const attest_implementation* attest_get_implementation(uint32_t abi_version, const char* option);

#ifdef __cplusplus
}
#endif

#endif /* ATTEST_IMPLEMENTATION_H */
