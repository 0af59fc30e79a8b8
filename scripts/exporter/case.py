"""What a case is. `CaseEntry` is what a person writes in the case list; `RecordedCase` is what goes into a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .tensor import Tensor

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "output_proj")
STAGES = (
    *("q_proj", "k_proj", "v_proj", "q_rope", "k_rope", "q_norm", "k_norm"),
    *("k_cache", "v_cache", "attention", "output"),
)

NORM_ORDERS = ("after_pos_embeddings", "before_pos_embeddings")  # torchtune's, and that of its later Qwen3Attention
ROTARY_WORDS = ("dim", "max_seq_len", "base")  # those that every rotary embedding has
Y_IS_X, Y_GIVEN, Y_ABSENT = "x", "given", "absent"


@dataclass(frozen=True)
class Linear:
    """torch.nn.Linear: weight [out_features, in_features]."""

    in_features: int
    out_features: int
    bias: bool


@dataclass(frozen=True)
class Rotary:
    """A positional embedding; `kind` is torchtune's class name. The last four belong to Llama3ScaledRoPE alone."""

    kind: str
    dim: int
    max_seq_len: int
    base: float = 10_000.0
    scale_factor: float = 8.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    old_context_len: int = 8192

    def words(self) -> dict[str, Any]:
        """What torchtune's constructor of this class takes."""
        words = {name: value for name, value in asdict(self).items() if name != "kind"}
        return words if self.kind == "Llama3ScaledRoPE" else {name: words[name] for name in ROTARY_WORDS}


@dataclass(frozen=True)
class RMSNorm:
    dim: int
    eps: float = 1e-6


@dataclass(frozen=True)
class KVCache:
    """`enabled` False: a cache handed to the constructor, which torchtune neither reads nor writes."""

    batch_size: int
    max_seq_len: int
    enabled: bool = True


@dataclass(frozen=True)
class Layer:
    """torchtune's constructor words. `bias` lists the projections that have one, by first letter, e.g. "qkv"."""

    embed_dim: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    bias: str = ""
    pos_embeddings: Rotary | None = None
    q_norm: RMSNorm | None = None
    k_norm: RMSNorm | None = None
    kv_cache: KVCache | None = None
    max_seq_len: int = 4096
    is_causal: bool = True
    attn_dropout: float = 0.0
    training: bool = False
    dtype: str = "float32"
    output_features: int | None = None  # of output_proj; embed_dim if None
    scale: float | None = None  # of the scores; None: 1/sqrt(head_dim)
    norm_order: str = NORM_ORDERS[0]
    flex_attention: bool = False  # whether torchtune takes a BlockMask to torch's flex_attention

    def projection(self, name: str) -> Linear:
        """The Linear behind q_proj, k_proj, v_proj or output_proj."""
        heads = self.num_heads if name in ("q_proj", "output_proj") else self.num_kv_heads
        width = heads * self.head_dim
        if name == "output_proj":
            return Linear(width, self.output_features or self.embed_dim, "o" in self.bias)
        return Linear(self.embed_dim, width, name[0] in self.bias)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter name -> shape, in torchtune's order."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name in PROJECTIONS:
            linear = self.projection(name)
            shapes[f"{name}.weight"] = (linear.out_features, linear.in_features)
            if linear.bias:
                shapes[f"{name}.bias"] = (linear.out_features,)
        for name, norm in (("q_norm", self.q_norm), ("k_norm", self.k_norm)):
            if norm is not None:
                shapes[f"{name}.scale"] = (norm.dim,)
        return shapes


MaskMaker = Callable[[np.random.Generator], "np.ndarray | Tensor"]


@dataclass(frozen=True)
class Call:
    """One call of forward with `b` samples of `s` tokens. `y`: "x", "absent", or the number s_y of another tensor's
    tokens. `mask` draws a mask; `seq_lens` packs each sample from documents of these lengths and gives torchtune the
    mask of its packed_block_causal_mask; `block_mask` draws bool [b|1, n_h|1, s_x, s_k], of which torch makes a
    BlockMask of blocks of `block_size` tokens and keys; `input_pos` is an array of any shape torchtune accepts."""

    b: int
    s: int
    y: str | int = Y_IS_X
    mask: MaskMaker | None = None
    seq_lens: tuple[tuple[int, ...], ...] | None = None
    block_mask: MaskMaker | None = None
    block_size: tuple[int, int] = (128, 128)
    input_pos: np.ndarray | None = None
    reset_cache: bool = False
    x_shape: tuple[int, ...] | None = None  # of x and y, where they are not [b, s, d] (error cases)
    y_shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class CaseEntry:
    """One entry of the case list. `field` names what is wrong in a case in which torchtune raises."""

    name: str
    description: str
    layer: Layer
    calls: tuple[Call, ...]
    family: str = "randn"
    field: str = ""
    nan_weight: str = ""  # family nan_weight: the parameter that gets one NaN
    selected: bool = False  # the family draws q, k and v themselves; see selected_inputs.py
    generated: bool = False  # weights and inputs come from the counter-based generator
    sampled: int = 0  # record so many rows of a selecting layer (see selecting_weights.py); 0: every stage as a whole
    backend: str = ""  # "flash" or "math": the attention kernel that torch must take; "": its own choice


@dataclass(frozen=True)
class RaisedError:
    raised_by: str  # "constructor" or "forward"
    type: str
    message: str
    field: str


@dataclass
class RecordedStep:
    reset_cache: bool
    y: str
    inputs: dict[str, Tensor]  # x, y, mask or seq_lens or block_masks.TENSORS, input_pos, keep where given
    expected: dict[str, Tensor] = field(default_factory=dict)
    truth: dict[str, Tensor] = field(default_factory=dict)
    error: RaisedError | None = None
    rows: Tensor | None = None  # of a sampled step: int64 [r, 2], the samples and tokens whose rows are recorded
    sha256: dict[str, str] = field(default_factory=dict)  # of a sampled step: of torchtune's projections


@dataclass
class RecordedCase:
    name: str
    description: str
    family: str
    layer: Layer
    weights: dict[str, Tensor]
    tables: dict[str, Tensor]  # theta, cos, sin; empty without a rotary embedding
    steps: list[RecordedStep]
    provenance: dict[str, str]


class RefusedCase(Exception):
    """A case that must not become a fixture; the message says why."""
