"""Layers at the sizes where tiles, splits, masks and caches matter: generated inputs, sampled rows, selecting weights.
What five kernels cannot do in a moment goes into the group `larger`, which `attest verify --large all` takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import Call, CaseEntry, KVCache, Layer, MaskMaker
from ..tensor import from_float64
from .mask_makers import causal, constant

FEWEST_ROWS, MOST_ROWS = 3, 6  # recorded of each call
ELEMENTS = 6000  # of an attention, beyond which fewer rows are
OUTPUT_FEATURES = 16
CHANNELS = 96  # of x, or the next multiple of the heads
MOST_WORK = 15e6  # products of a query's channel with a key's, of a case in `large`
BLOCK = 64  # keys that a mask hides or shows together


def layer(n_h: int, n_kv: int, h_d: int, dtype: str = "float32", slots: int = 0, b: int = 1, **words: Any) -> Layer:
    width = math.ceil(CHANNELS / n_h) * n_h
    cache = KVCache(b, slots) if slots else None
    features = {"output_features": OUTPUT_FEATURES, "is_causal": False, **words}
    return Layer(width, n_h, n_kv, h_d, kv_cache=cache, dtype=dtype, **features)


def work(of: Layer, calls: tuple[Call, ...]) -> float:
    """Products and, as one each hundred times, generated numbers."""
    total = 0.0
    for call in calls:
        keys = call.y if isinstance(call.y, int) else call.s
        s_k = of.kv_cache.max_seq_len if of.kv_cache is not None else keys
        total += call.b * (of.num_heads * call.s * s_k * of.head_dim + 10 * keys * of.embed_dim)
    return total


def large(name: str, description: str, of: Layer, *calls: Call, family: str = "randn", backend: str = "") -> CaseEntry:
    rows = max(FEWEST_ROWS, min(MOST_ROWS, ELEMENTS // (of.num_heads * of.head_dim)))
    group = "large" if work(of, calls) <= MOST_WORK else "larger"
    if of.dtype == "bfloat16":
        name, description = f"{name}_bfloat16", f"{description} In bfloat16."
    if backend:
        name, description = f"{name}_{backend}", f"{description} torch's {backend} kernel."
    return CaseEntry(f"{group}/{name}", description, of, calls, family, generated=True, sampled=rows, backend=backend)


# --- masks ---------------------------------------------------------------------------------------------------------


def seen(pattern: str, b: int, s_x: int, s_k: int) -> np.ndarray:
    """bool [b, s_x, s_k] in runs: which keys a token sees."""
    key, row = np.arange(s_k), np.arange(s_x)[:, None]
    part = s_k // 8 + 1
    patterns = {
        "leading": key >= 3 * part,  # whole tiles hidden before the first key seen
        "middle": (key < 2 * part) | (key >= 5 * part),
        "trailing": key < s_k - 3 * part,
        "alternating": key // BLOCK % 2 == row % 2,
        "whole_rows": (row % 3 != 1) & (key < s_k),
        "one_key": key == (row * 37 + s_k // 2) % s_k,
        "window": (key <= row + s_k // 2) & (key > row),
    }
    return np.broadcast_to(patterns[pattern], (b, s_x, s_k))


def mask(pattern: str, b: int, s_x: int, s_k: int, kind: str, dtype: str) -> MaskMaker:
    """Of shape (b, s_x, s_k), each the call's extent or 1. `kind`: bool, hiding (0 and -inf), bias (besides, a bias of
    each block of keys)."""
    shown = seen(pattern, b, s_x, s_k)
    if kind == "bool":
        return constant(shown.copy())
    bias = 0.5 * ((np.arange(s_k) // BLOCK) % 7 - 3) if kind == "bias" else np.zeros(s_k)
    return constant(from_float64(np.where(shown, bias, -np.inf), dtype))


# --- cases ---------------------------------------------------------------------------------------------------------

WIDTHS = (64, 80, 96, 128, 256)
HEADS = ((4, 2), (6, 2), (3, 1), (12, 4), (5, 5), (10, 2), (7, 1))
KEYS = (17, 31, 33, 63, 65, 127, 129, 255, 257, 511, 513, 1023, 1025, 2047, 2049, 4095, 4097)
PATTERNS = ("leading", "middle", "trailing", "alternating", "whole_rows", "one_key", "window")
KINDS = ("bool", "hiding", "bias")
SHAPES = ((1, 0), (0, 0), (0, 1), (1, 1))  # whether the mask has the batch's extent, the tokens'
FAMILIES = ("randn", "far_below", "far_above", "equal_huge")
BY_ROW = ("alternating", "whole_rows", "one_key", "window")


def around_tiles(dtype: str) -> Iterator[CaseEntry]:
    """Every key count beside a tile's border, under masks that rotate with widths, heads and scores."""
    for n, s_k in enumerate(KEYS):
        (n_h, n_kv), h_d = HEADS[n % 7], WIDTHS[n % 5]
        pattern, kind, family = PATTERNS[n % 7], KINDS[n % 3], FAMILIES[n % 4]
        own_batch, own_tokens = SHAPES[(n // 2) % 4]
        b, s_x = 1 + n % 2, 9
        shape = (b if own_batch else 1, s_x if own_tokens or pattern in BY_ROW else 1, s_k)
        biased = layer(n_h, n_kv, h_d, dtype, bias="" if family == "randn" else "qk")
        yield large(
            f"{s_k}_keys_{pattern}_{kind}",
            f"{s_k} keys of width {h_d}, the {pattern} ones by a {kind} mask {list(shape)}.".replace("_", " "),
            biased,
            Call(b, s_x, y=s_k, mask=mask(pattern, *shape, kind, dtype)),
            family=family,
        )


def unmasked_scores(dtype: str) -> Iterator[CaseEntry]:
    """Whole rows far from zero, at key counts that are no multiple of a tile, without a mask."""
    for n, (family, s_k) in enumerate([(f, s) for f in FAMILIES[1:] for s in (77, 1001)]):
        (n_h, n_kv), h_d = HEADS[n % 7], WIDTHS[(n + 1) % 5]
        yield large(
            f"{s_k}_keys_{family}",
            f"{s_k} keys without a mask, every score {family.replace('_', ' ')}.",
            layer(n_h, n_kv, h_d, dtype, bias="qk"),
            Call(2, 5, y=s_k),
            family=family,
        )


def far_below_where(dtype: str) -> Iterator[CaseEntry]:
    """Padding of score 0 shows in such rows alone, and some kernels pad only a decode, a batch or a chunk."""

    def of(n_h: int, n_kv: int, h_d: int, **words: Any) -> Layer:
        return layer(n_h, n_kv, h_d, dtype, bias="qk", **words)

    def case(name: str, description: str, of: Layer, *calls: Call) -> CaseEntry:
        return large(f"far_below_{name}", f"{description}, every score far below 0.", of, *calls, family="far_below")

    yield case("decode", "One query and 1,001 keys", of(4, 2, 128), Call(1, 1, y=1001))
    yield case("batch_5", "Five samples, each with one query", of(3, 1, 64), Call(5, 1, y=333))
    yield case("heads_36", "36 heads on 12", of(36, 12, 64), Call(1, 3, y=77))
    yield case(
        "cache",
        "A chunk and a decode in a cache of 601 slots, all of them filled",
        of(4, 2, 80, slots=601),
        Call(1, 2, y=567, mask=causal(2, 601, 565)),
        Call(1, 33, mask=causal(33, 601, 567)),
        Call(1, 1, mask=causal(1, 601, 600)),
    )


def many(dtype: str) -> Iterator[CaseEntry]:
    """Many keys, samples, heads."""
    yield large("65537_keys", "65,537 keys, one more than 16 bits count.", layer(2, 1, 64, dtype), Call(1, 2, y=65_537))
    yield large("16385_keys", "16,385 keys.", layer(3, 1, 80, dtype), Call(1, 3, y=16_385))
    yield large("batch_33", "A batch of 33.", layer(2, 1, 64, dtype), Call(33, 4, y=67))
    yield large("heads_128", "128 query heads on 8.", layer(128, 8, 64, dtype), Call(1, 3, y=130))
    yield large("heads_128_on_128", "128 heads, each with its own keys.", layer(128, 128, 64, dtype), Call(1, 2, y=70))
    yield large("heads_36_on_12", "Groups of three.", layer(36, 12, 128, dtype), Call(2, 3, y=150))
    yield large("heads_35_on_7", "Groups of five.", layer(35, 7, 96, dtype), Call(5, 3, y=91))
    for n, s in enumerate((129, 257, 513)):
        name = f"causal_{s}_tokens"
        causal_layer = layer(3, 1, WIDTHS[n], dtype, is_causal=True)
        yield large(name, f"{s} tokens that see those before them.", causal_layer, Call(1, s))


def cached(dtype: str) -> Iterator[CaseEntry]:
    """A long cache, filled by one call of few tokens and a long y."""

    def filled(slots: int, upto: int) -> Call:
        return Call(1, 2, y=upto, mask=causal(2, slots, upto - 2))

    slots = 4096
    yield large(
        "decode_at_4000",
        "A decode at 4,000 filled slots of 4,096.",
        layer(6, 2, 128, dtype, slots),
        filled(slots, 4000),
        Call(1, 1, mask=causal(1, slots, 4000)),
        Call(1, 1, mask=causal(1, slots, 4001)),
    )
    yield large(
        "decode_at_32000",
        "A decode at 32,000 filled slots of 32,768.",
        layer(4, 1, 64, dtype, 32_768),
        filled(32_768, 32_000),
        Call(1, 1, mask=causal(1, 32_768, 32_000)),
    )
    yield large(
        "chunks_into_a_long_cache",
        "Three chunks of a prefill after 1,000 filled slots.",
        layer(3, 1, 80, dtype, 1500),
        filled(1500, 1000),
        *(Call(1, 65, mask=causal(65, 1500, 1000 + 65 * chunk)) for chunk in range(3)),
    )
    yield large(
        "left_padding",
        "Decodes of two samples in a cache whose first slots hold padding.",
        layer(4, 2, 96, dtype, 600, b=2),
        Call(2, 3, y=513, mask=_padded_left(3, 600, 513)),
        Call(2, 1, mask=_padded_left(1, 600, 514)),
    )


def _padded_left(s_x: int, slots: int, upto: int) -> MaskMaker:
    slot = np.arange(slots)
    return constant(np.stack([np.broadcast_to((slot >= pad) & (slot < upto), (s_x, slots)) for pad in (130, 7)]))


def packed_documents(dtype: str) -> Iterator[CaseEntry]:
    lengths = ((200, 1, 64, 127, 8), (65, 129, 77, 129, 0))
    yield large("packed_400", "Packed documents of 400 tokens.", layer(2, 1, 64, dtype), Call(2, 400, seq_lens=lengths))


def both_backends() -> Iterator[CaseEntry]:
    """In bfloat16, where torch's two CPU kernels round differently: flash keeps its weights in float32."""
    for backend in ("flash", "math"):
        for h_d, s_k in ((64, 1025), (80, 333), (96, 257), (128, 2049), (256, 129)):
            yield large(
                f"backend_{h_d}_{s_k}_keys",
                f"{s_k} keys of width {h_d}.",
                layer(4, 2, h_d, "bfloat16"),
                Call(2, 4, y=s_k),
                backend=backend,
            )


CASES = [
    case
    for dtype in ("float32", "bfloat16")
    for cases in (around_tiles, unmasked_scores, far_below_where, many, cached, packed_documents)
    for case in cases(dtype)
]
CASES += both_backends()
