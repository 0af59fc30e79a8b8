"""Odd sizes: head widths whose scale is not exact, tails of vectors and blocks, batches of one to three."""

from ..case import Call, CaseEntry
from .small_layer import rotary, small_layer

NO_ROTARY = 111  # an odd width cannot be rotated in pairs

CASES = [
    CaseEntry(
        f"sizes/h_d_{h_d}_s_{s}_b_{b}",
        f"Heads of width {h_d}, {s} token{'s' if s > 1 else ''}, batch of {b}.",
        small_layer(
            embed_dim=d,
            num_heads=n_h,
            num_kv_heads=n_kv,
            head_dim=h_d,
            pos_embeddings=None if h_d == NO_ROTARY else rotary(h_d, max_seq_len=max(128, s)),
        ),
        (Call(b=b, s=s),),
    )
    for h_d, n_h, n_kv, d, s, b in [
        (4, 4, 2, 16, 1, 1),
        (4, 2, 1, 8, 65, 1),
        (4, 1, 1, 4, 300, 1),
        (4, 1, 1, 4, 4133, 1),  # longer than the sliding window of models that have one
        (6, 2, 1, 10, 17, 3),
        (8, 2, 2, 16, 65, 1),
        (16, 2, 1, 16, 16, 1),
        (32, 2, 1, 16, 31, 1),
        (40, 2, 1, 24, 17, 1),
        (64, 2, 1, 16, 33, 1),
        (80, 2, 1, 20, 3, 3),
        (88, 1, 1, 24, 7, 1),
        (96, 2, 2, 24, 3, 2),
        (111, 2, 1, 18, 17, 1),
        (111, 1, 1, 37, 1, 2),
        (128, 2, 1, 32, 3, 1),
        (128, 1, 1, 16, 17, 1),
        (256, 1, 1, 16, 5, 1),
    ]
]
