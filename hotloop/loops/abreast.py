"""The sums of a few columns are made in one loop over the rows.

    for j in 0..2:                                  for i in 0..n carry s = 0.0, t = 0.0:
      for i in 0..n carry s = 0.0:                    next s = s + a[i, 0]
        next s = s + a[i, j]            ->            next t = t + a[i, 1]
      b[j] <- s / n                                 b[0] <- s / n
                                                    b[1] <- t / n

The mean of points, of the channels of pixels: rows are read once, side by side, and the loop that
is left is long, so it may be in lanes and threads.
"""

from __future__ import annotations

from hotloop.loops.core import For, Kernel, Let, Statement, Store, parts
from hotloop.loops.expr import lit, var
from hotloop.loops.rewrite import Names, copied, substitute
from hotloop.loops.write_out import few_trips

MOST = 16
"""Statements in the body of the outer loop."""


def abreast(kernel: Kernel) -> Kernel:
    _statements(kernel.body, Names(kernel))
    return kernel


def _statements(body: list[Statement], names: Names) -> None:
    out: list[Statement] = []
    for statement in body:
        for inner in parts(statement):
            _statements(inner, names)
        trips = few_trips(statement) if isinstance(statement, For) else None
        at = _sums_at(statement) if isinstance(statement, For) and trips else None
        if isinstance(statement, For) and trips and at is not None:
            out += _abreast(statement, trips, at, names)
        else:
            out.append(statement)
    body[:] = out


def _abreast(loop: For, trips: range, at: int, names: Names) -> list[Statement]:
    """The iterations' sums, all in one loop: what they read side by side is read once."""
    before: list[Statement] = []
    after: list[Statement] = []
    joint: For | None = None
    for i in trips:
        body, _ = copied(loop.body, names)
        substitute(body, {var(loop.var): lit(i)})
        inner = body[at]
        assert isinstance(inner, For)
        before += body[:at]
        after += body[at + 1:]
        if joint is None:
            joint = inner
            continue
        substitute([inner], {var(inner.var): var(joint.var)})
        joint.body += inner.body
        joint.carries += inner.carries
    assert joint is not None
    return [*before, joint, *after]


def _sums_at(loop: For) -> int | None:
    """Where in the body of a loop with independent iterations the only loop stands, if that adds
    up something, over as many elements in each iteration."""
    inner = [k for k, s in enumerate(loop.body) if isinstance(s, For)]
    if not loop.regular or loop.carries or len(inner) != 1 or len(loop.body) > MOST or not all(
            isinstance(s, Let | Store | For) for s in loop.body):
        return None
    own = {loop.var, *(s.name for s in loop.body if isinstance(s, Let))}
    at = inner[0]
    sums = loop.body[at]
    assert isinstance(sums, For)
    if not sums.regular or not sums.carries or not all(c.reduce for c in sums.carries) or any(
            isinstance(s, Store) for s in loop.body[:at]):
        return None
    fixed = not any(own & x.free for x in (sums.lo, sums.hi, sums.step))
    return at if fixed and all(isinstance(s, Let) for s in sums.body) else None
