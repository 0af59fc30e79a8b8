"""All cases, in the order in which they are exported."""

from .cases import heads

CASES = [*heads.CASES]
