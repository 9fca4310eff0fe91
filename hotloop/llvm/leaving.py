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
A branch that has become choices of `t` is seen, too: what goes on does not wait for them.
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


def chosen(body: list[Statement], nexts: list[Expr], own: Expr) -> tuple[list[Expr], list[Expr]]:
    """The flag and the other next values: those of the last iteration, and of others. `own` is the
    flag's carry, which is not set."""
    values = {var(s.name, s.value.dtype): s.value for s in body if isinstance(s, Let)}

    def resolved(x: Expr) -> Expr:
        while x in values:
            x = values[x]
        return x

    flag = resolved(nexts[0])
    cond: Expr | None = None
    if flag.op == "select" and flag.args[1] is lit(True, BOOL) and resolved(flag.args[2]) in (
            own, lit(False, BOOL)):
        cond = flag.args[0]
    elif flag.op == "or" and own in flag.args:
        cond = flag.args[1 if flag.args[0] is own else 0]
    if cond is None or cond.op == "lit" or cond.loads:
        return nexts, nexts

    def where(x: Expr, arm: int) -> Expr:
        choice = resolved(x)
        while choice.op == "select" and choice.args[0] is cond and not choice.args[arm].loads:
            x = choice.args[arm]               # what is loaded may have changed meanwhile
            choice = resolved(x)
        return x
    return [cond, *(where(x, 1) for x in nexts[1:])], [cond, *(where(x, 2) for x in nexts[1:])]
