"""Derivatives of the NumPy functions that `call_numpy` calls back, one rule for each function.

    RULES[np.linalg.inv]        # Rule: the tangent of y = inv(x) is -y t y

Loaded when a program that calls back is differentiated. Rules are those of `ops.derivative` with
the equation `call_numpy[function=...]` at hand; results are of the dtypes and shapes that the
equation declares. Where a derivative does not exist it is nan, or an exception is raised while
compiling; never while running.
"""

from hotloop.ops.numpy_rules import (
    factorizations,
    fourier,
    least_squares,
    linalg,
    polynomials,
    sampling,
    scipy_special,
    special,
)
from hotloop.ops.numpy_rules.table import RULES, jvp, transpose

__all__ = ["RULES", "factorizations", "fourier", "jvp", "least_squares", "linalg", "polynomials",
           "sampling", "scipy_special", "special", "transpose"]
