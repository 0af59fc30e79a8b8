"""All cases, in the order in which they are exported. A newcomer adds one entry to a file in cases/."""

from .cases import (
    bfloat16,
    cache,
    errors,
    hard_inputs,
    heads,
    keys_from_elsewhere,
    masks,
    norms,
    packed,
    positions,
    projections,
    real_layers,
    sizes,
)

GROUPS = (
    *(heads, sizes, projections, positions, norms, keys_from_elsewhere, masks, cache, packed),
    *(hard_inputs, bfloat16, errors, real_layers),
)

CASES = [entry for group in GROUPS for entry in group.CASES]
