"""`while` loops that a flag ends: the branch that sets it leaves the loop itself.

    while, carry c = False:                     head:
      unless not(c) leave              ->         ...
      ...                                         br t, out, stay
      if t                                      stay:
        give True, x                              ...
      else                                        br head          (c is False there)
        ...                                     done:
        give c, y                                 phis of the carries
      -> c', x'
      next c = c', next x = x'

So `break` and `return` cost no flag, no merging of values and no second test. Only the last
statement of a body is looked at, nested ones included: nothing is emitted twice but next values.
"""

from __future__ import annotations

from hotloop.loops.core import Alloc, Call, Carry, For, Free, If, Let, Statement, While, walk
from hotloop.loops.expr import BOOL, Expr, e, lit, transform, var
from hotloop.record import record


@record(eq=False)
class Flag:
    """The carry that ends a loop, and what else keeps it going."""
    carry: Carry
    others: Expr | None


def flag_of(loop: While) -> Flag | None:
    """Of a loop that may be emitted like this."""
    if not all(isinstance(s, Let) for s in loop.test):
        return None
    parts = _parts(loop)
    flags = [c for c in loop.carries if c.dtype == BOOL and c.init is lit(False, BOOL)
             and e.not_(var(c.name, BOOL)) in parts]
    if len(flags) != 1 or not _plain(loop):
        return None
    others: Expr | None = None
    for part in parts:
        if part is not e.not_(var(flags[0].name, BOOL)):
            others = part if others is None else e.and_(others, part)
    return Flag(flags[0], others)


def _parts(loop: While) -> list[Expr]:
    """What must hold, all of it, for the next iteration."""
    values = {var(s.name, BOOL): s.value for s in loop.test
              if isinstance(s, Let) and s.value.dtype == BOOL}
    found, stack = list[Expr](), [loop.cond]
    while stack:
        x = values.get(stack[-1], stack[-1])
        stack.pop()
        if x.op == "and":
            stack += x.args
        else:
            found.append(x)
    return found


def _plain(loop: While) -> bool:
    """Do all pointers stay what they are?"""
    for s in walk(loop.body):
        if isinstance(s, Alloc | Free) or isinstance(s, For | While) and s.swaps or (
                isinstance(s, Call) and (s.moved or s.routine is None)):
            return False
    return not loop.swaps


def last_branch(body: list[Statement], flag: Expr) -> If | None:
    """The branch at the end of a body that gives the flag."""
    last = body[-1] if body else None
    if not isinstance(last, If) or last.likely or flag.op != "var":
        return None
    return last if any(out[0] == flag.args[0] for out in last.outs) else None


def given(branch: If, then: bool, values: list[Expr]) -> list[Expr]:
    """The values at the end of one of its arms."""
    arm = {var(name, dtype): a if then else b for name, dtype, a, b in branch.outs}
    memo: dict[Expr, Expr] = {}
    return [transform(x, arm.get, memo) for x in values]
