"""What functions that `call_numpy` calls become in `passes.native`.

    RULES[np.searchsorted](b, eqn)      # the results as atoms, or None: it stays a call

A rule emits equations that give the function's values, operation for operation, with the builder
`b`. Loaded when a Program calls one.
"""

from hotloop.passes.native_rules import arrays, matrices, numbers
from hotloop.passes.native_rules.table import RULES

__all__ = ["RULES", "arrays", "matrices", "numbers"]
