"""`prange`: a range over which a loop's iterations are independent, because the user says so.

    for i in hotloop.prange(n):
        out[order[i]] = x[i] ** 2

In Python it is `range`. In compiled code the loop may run in several threads also where the
compiler can't prove that no iteration stores what another one uses.
"""

from __future__ import annotations

from typing import Any

from hotloop.frontend.iterables import Range
from hotloop.frontend.numpy_arrays import settled
from hotloop.frontend.registry import call


def prange(*args: Any) -> range:
    """`range(stop)`, `range(start, stop)` or `range(start, stop, step)`, whose iterations may run
    in any order and at the same time.

    Each element of an array that an iteration stores to may be used by that iteration only.
    Numbers may be accumulated (`s += x`, `s *= x`, `s = max(s, x)`): floats so are added in another
    order than in Python, though always in the same, whatever the number of threads. Where a number
    is carried from one iteration to the next in another way the loop runs in order.
    `HOTLOOP_CHECK_PRANGE=1` makes loops check what they promise.

    Raises what `range` raises.

    >>> import hotloop
    >>> hotloop.prange(2, 10, 3)
    range(2, 10, 3)
    """
    return range(*args)


@call(prange)
def _traced(*args: Any) -> Range:
    found = Range(*map(settled, args))
    found.independent = True
    return found
