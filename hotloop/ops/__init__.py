"""The ops: one row each, by family. Importing this package fills the table.

    >>> from hotloop.ops import OPS
    >>> OPS["exp"].doc
    'e ** x'
"""

from hotloop.ops import (
    complexes,
    control,
    custom,
    elementwise,
    functions,
    generators,
    index,
    invoke,
    linalg,
    random,
    reduce,
    shape,
    transforms,
)
from hotloop.ops.table import OPS, make_eqn

__all__ = ["OPS", "complexes", "control", "custom", "elementwise", "functions", "generators",
           "index", "invoke", "linalg",
           "make_eqn", "random", "reduce", "shape", "transforms"]
