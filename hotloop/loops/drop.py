"""Drop what nobody uses: names, carries, temporaries with their stores, loops left empty.

    t1 = exp(a[i])                   t1 = exp(a[i])
    b[i] <- t1              ->       r0[i] <- t1
    r0[i] <- t1                                        (b a temporary that nobody loads)

One mark from the effects (stores to results and arguments, checks, calls, conditions of loops)
through names and temporaries, one sweep; linear in the size of the kernel. Everything that is not
an effect is pure and total, so it may go.
"""

from __future__ import annotations

from hotloop.loops.core import (
    TEMP,
    Alloc,
    Buffer,
    Call,
    For,
    If,
    Kernel,
    Let,
    Statement,
    Store,
    While,
    parts,
    walk,
)
from hotloop.loops.expr import Expr
from hotloop.loops.rewrite import expressions

Item = str | Buffer | Expr


def drop(kernel: Kernel) -> Kernel:
    _sweep(kernel.body, _mark(kernel))
    return kernel


def _mark(kernel: Kernel) -> set[Item]:
    """Names, buffers and expressions that an effect depends on."""
    work: list[Item] = list(kernel.results)          # begins as the roots
    needs: dict[Item, list[Item]] = {}               # what a name or temporary needs in turn
    for statement in walk(kernel.body):
        match statement:
            case Let():
                needs[statement.name] = [statement.value]
            case Store() | Alloc():
                if statement.buffer.kind == TEMP:
                    needs.setdefault(statement.buffer, []).extend(expressions(statement))
                else:
                    work += expressions(statement)
            case For() | While():
                for carry in statement.carries:
                    needs[carry.name] = [carry.init, carry.next]
                if isinstance(statement, While):
                    work.append(statement.cond)
                else:
                    work += (statement.lo, statement.hi, statement.step)
                    if statement.until is not None:
                        work.append(statement.until)
                for a, b in statement.swaps:
                    needs.setdefault(a, []).append(b)
                    needs.setdefault(b, []).append(a)
                    work += [x for x in (a, b) if x.kind != TEMP]
            case If():
                work.append(statement.cond)
                for name, _, then, orelse in statement.outs:
                    needs[name] = [then, orelse]
            case Call():
                work += [*statement.ins, *statement.outs]
            case _:
                work += expressions(statement)
    marked: set[Item] = set()
    while work:
        item = work.pop()
        if item in marked:
            continue
        marked.add(item)
        if isinstance(item, Expr):
            work += item.free
            work += [node.args[0] for node in item.loads]
        else:
            work += needs.get(item, ())
    return marked


def _sweep(body: list[Statement], marked: set[Item]) -> None:
    for statement in body:
        match statement:
            case For() | While():
                statement.carries = [c for c in statement.carries if c.name in marked]
                statement.swaps = [pair for pair in statement.swaps if pair[0] in marked]
            case If():
                statement.outs = [out for out in statement.outs if out[0] in marked]
        for inner in parts(statement):
            _sweep(inner, marked)
    body[:] = [s for s in body if _stays(s, marked)]


def _stays(statement: Statement, marked: set[Item]) -> bool:
    match statement:
        case Let():
            return statement.name in marked
        case Store() | Alloc():
            return statement.buffer.kind != TEMP or statement.buffer in marked
        case For():
            return bool(statement.body or statement.carries or statement.swaps)
        case If():
            return bool(statement.then or statement.orelse or statement.outs)
        case _:
            return True
