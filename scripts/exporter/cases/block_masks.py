"""torch's BlockMask, by torchtune's own branch for it: documents, causal, sliding, prefix and random patterns, per head
and per sample, in blocks of 64 and 128, at lengths that are no multiple of them."""

from __future__ import annotations

import numpy as np

from ..case import Call, CaseEntry, Layer, MaskMaker
from .large import layer
from .mask_makers import constant, packed_positions
from .small_layer import tiny_layer

ROWS = 3  # recorded of a call


def documents(*lengths: tuple[int, ...]) -> np.ndarray:
    """bool [b, 1, s, s]: each sample's documents, each causal."""
    numbers = np.array([np.repeat(np.arange(len(sample)), sample) for sample in lengths])
    same = numbers[:, :, None] == numbers[:, None, :]
    return (same & np.tri(same.shape[1], dtype=bool))[:, None]


def over(s_x: int, s_k: int) -> tuple[np.ndarray, np.ndarray]:
    """Tokens [s_x, 1] and keys [1, s_k]."""
    return np.arange(s_x)[:, None], np.arange(s_k)[None]


def causal(s_x: int, s_k: int, start: int = 0) -> np.ndarray:
    token, key = over(s_x, s_k)
    return (key <= token + start)[None, None]


def sliding(s_x: int, s_k: int, *widths: int) -> np.ndarray:
    """bool [1, n, s_x, s_k]: a window for each head."""
    token, key = over(s_x, s_k)
    return np.array([(key <= token) & (token - key < width) for width in widths])[None]


def prefix(s: int, *lengths: int) -> np.ndarray:
    """bool [b, 1, s, s]: causal, but for a prefix that all tokens of the sample see."""
    token, key = over(s, s)
    return np.array([(key <= token) | (key < length) for length in lengths])[:, None]


def random_blocks(b: int, n_h: int, s_x: int, s_k: int, size: tuple[int, int]) -> MaskMaker:
    """Of the blocks about a third empty, a third full, a third with a lattice of keys; some rows see nothing."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        rows, columns = -(-s_x // size[0]), -(-s_k // size[1])
        kinds = np.repeat(np.repeat(rng.integers(3, size=(b, n_h, rows, columns)), size[0], 2), size[1], 3)
        kinds = kinds[:, :, :s_x, :s_k]
        token, key = over(s_x, s_k)
        return (kinds == 2) | ((kinds == 1) & ((3 * token + 2 * key) % 5 < 2))

    return draw


def block_case(
    name: str, description: str, of: Layer, call: Call, dense: np.ndarray | MaskMaker, size: int | tuple[int, int] = 128
) -> CaseEntry:
    """Of a selecting layer, rows alone are recorded."""
    rows = 0 if of.pos_embeddings else ROWS
    block_size = size if isinstance(size, tuple) else (size, size)
    maker = dense if callable(dense) else constant(dense)
    call = Call(call.b, call.s, call.y, block_mask=maker, block_size=block_size, input_pos=call.input_pos)
    return CaseEntry(f"block_masks/{name}", description, of, (call,), generated=rows > 0, sampled=rows, family="randn")


def flex(n_h: int, n_kv: int, h_d: int, dtype: str = "float32", slots: int = 0, b: int = 1) -> Layer:
    return layer(n_h, n_kv, h_d, dtype, slots, b, flex_attention=True)


LENGTHS = ((70, 1, 129, 40, 60), (128, 64, 108))

CASES = [
    block_case("causal", "Causal, three blocks and a part.", flex(2, 1, 128), Call(1, 430), causal(430, 430)),
    block_case(
        "documents",
        "Documents that begin and end within blocks, other ones in each sample.",
        flex(4, 1, 64),
        Call(2, 300),
        documents(*LENGTHS),
    ),
    block_case(
        "documents_in_64",
        "The same documents in blocks of 64, some of which are seen wholly.",
        flex(2, 2, 128),
        Call(2, 300),
        documents(*LENGTHS),
        64,
    ),
    block_case(
        "sliding_bfloat16",
        "A window of 100 tokens in blocks of 64, bfloat16.",
        flex(3, 1, 96, "bfloat16"),
        Call(1, 333),
        sliding(333, 333, 100),
        64,
    ),
    block_case(
        "sliding",
        "A window of another width for each head; blocks before it are empty.",
        flex(4, 4, 48),
        Call(1, 500),
        sliding(500, 500, 1, 64, 130, 400),
    ),
    block_case(
        "prefix",
        "A prefix that every token sees, of another length in each sample, before a causal rest.",
        flex(3, 1, 64),
        Call(2, 257),
        prefix(257, 130, 64),
    ),
    block_case(
        "random_blocks",
        "Blocks empty, full and in part, other ones for each sample and head.",
        flex(2, 1, 32),
        Call(2, 256),
        random_blocks(2, 2, 256, 256, (128, 128)),
    ),
    block_case(
        "random_blocks_in_64",
        "Random blocks of 64 over a length that is no multiple of them, the same for both samples.",
        flex(3, 3, 32),
        Call(2, 201),
        random_blocks(1, 3, 201, 201, (64, 64)),
        64,
    ),
    block_case(
        "cross",
        "Other tokens than keys: random blocks of 64 tokens and 128 keys.",
        flex(4, 2, 64),
        Call(1, 150, y=700),
        random_blocks(1, 1, 150, 700, (64, 128)),
        (64, 128),
    ),
    block_case(
        "cache",
        "Causal over a cache with empty slots, none of which is seen.",
        flex(4, 2, 32, slots=300, b=2),
        Call(2, 200),
        causal(200, 300),
    ),
    block_case(
        "layer",
        "A layer with a rotary embedding: two documents, positions that restart, blocks larger than the sequence.",
        tiny_layer(flex_attention=True),
        Call(1, 9, input_pos=packed_positions((4, 5))),
        documents((4, 5)),
    ),
    block_case(
        "full_and_empty",
        "Nothing but full blocks and empty ones: no token of the last block sees a key.",
        flex(2, 1, 64),
        Call(1, 256),
        np.kron(np.array([[1, 0], [0, 0]]), np.ones((128, 128))).astype(bool)[None, None],
    ),
]
