"""What a name refers to where that depends on the run: one of several arrays.

    x = a if c else b       x is a choice: Array(ChosenBase(c, a, b))
    x[0]                    cond c { a[0] } { b[0] }
    x[0] = 1.0              a', b' = cond c { set a 1.0 0, b } { a, set b 1.0 0 }

A choice is a binary tree whose leaves are arrays (a base and the steps of a view). It may have a
*cache*: an array whose content is that of the chosen one as long as none of them is stored to.

A base whose content has moved has a `Redirect` for a value: `Moved` (a loop that exchanges two
arrays keeps their contents under new bases) or `Spent` (a loop took the memory of an array that
nobody seemed to need any more).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from hotloop.frontend.builder import (
    Builder,
    Dead,
    Redirect,
    Restart,
    current,
    emit,
    opened,
)
from hotloop.frontend.tracers import Array, Base, dtype_of, full, zero
from hotloop.frontend.views import Cast, Step
from hotloop.ir.core import Atom, Block, Lit, Var


class ChosenBase(Base):
    """One of two arrays of equal dimensions, `yes` if `condition` held when it was made."""

    __slots__ = ("cache", "condition", "key", "no", "versions", "yes")

    def __init__(self, condition: Atom, yes: Array, no: Array, cache: Array | None = None,
                 key: Any = None):
        super().__init__(dtype_of(yes), yes.dims, None)
        self.condition, self.yes, self.no = condition, yes, no
        self.contiguous = yes.contiguous and no.contiguous
        self.cache, self.key = cache, key
        self.versions: list[tuple[Base, Any]] = []
        if cache is not None:
            self.versions = [(base, self.home.values.get(base))
                             for base in {leaf.base: None for leaf in leaves_of(self)}]

    def load(self, steps: tuple[Step, ...], view: Array) -> Atom:
        if self.cache is not None and self._unchanged():
            return self.cache.along(steps).value()
        yes, no = self.yes.along(steps), self.no.along(steps)
        dims = view.dims
        outs, = either(self.condition, lambda: [yes.cast(dims).value()],
                       lambda: [no.cast(dims).value()], [(dtype_of(view), dims)])
        return outs

    def read(self) -> Atom:
        return self.load((), Array(self, (), self.shape))

    def store(self, steps: tuple[Step, ...], new: Atom) -> None:
        def into(side: Array) -> Callable[[], list[Atom]]:
            def store() -> list[Atom]:
                target = side.along(steps)
                target.write(Cast(target.dims).get(new))
                return []
            return store
        either(self.condition, into(self.yes), into(self.no), [])

    @property
    def memory(self) -> list[Base]:
        return [leaf.base for leaf in leaves_of(self)]

    def _unchanged(self) -> bool:
        """Are the arrays as they were when the choice was made? Loops that are open are assumed
        not to store to them; they look at it at their end (`Builder.assumed`)."""
        lineage = current().lineage
        for base, version in self.versions:
            for b in reversed(lineage):
                now = b.values.get(base)
                if b is self.home:
                    if now is not version and not _parameter(b, base, now):
                        return False
                    break
                if now is not None and not _parameter(b, base, now):
                    return False
        for b in reversed(lineage):
            if b.loop:
                b.assumed[self] = None
            if b is self.home:
                break
        return True


def _parameter(b: Builder, base: Base, now: Any) -> bool:
    """Is `now` the value that the base had when the loop's iteration began?"""
    return b.loop and base in b.base_params and b.base_params[base][0] is now


def leaves_of(base: ChosenBase) -> Iterator[Array]:
    for side in (base.yes, base.no):
        yield from leaves(side)


def leaves(x: Array) -> Iterator[Array]:
    """The arrays that x may be."""
    if isinstance(x.base, ChosenBase):
        yield from leaves(x.base.yes.along(x.steps))
        yield from leaves(x.base.no.along(x.steps))
    else:
        yield x


def chosen(x: Array, of: Callable[[Array], Atom]) -> Atom:
    """A scalar that is `of` the leaf which x is."""
    if not isinstance(x.base, ChosenBase):
        return of(x)
    yes = chosen(x.base.yes.along(x.steps), of)
    no = chosen(x.base.no.along(x.steps), of)
    if yes is no or isinstance(yes, Lit) and yes == no:
        return yes
    return emit("select", [x.base.condition, yes, no], [(yes.dtype, ())])[0]


def mapped(x: Array, of: Callable[[Array], Array | None]) -> Array | None:
    """The choice with its leaves replaced; None drops a leaf."""
    if not isinstance(x.base, ChosenBase):
        return of(x)
    yes = mapped(x.base.yes.along(x.steps), of)
    no = mapped(x.base.no.along(x.steps), of)
    if yes is None or no is None:
        return no if yes is None else yes
    return Array(ChosenBase(x.base.condition, yes, no), (), yes.dims)


# ---- content that is elsewhere

class Moved(Redirect):
    """The content is that of a choice."""

    __slots__ = ("to",)

    def __init__(self, to: Array):
        self.to = to

    def read(self) -> Atom:
        return self.to.value()

    def store(self, steps: tuple[Step, ...], new: Atom) -> None:
        self.to.along(steps).write(new)


class Spent(Redirect):
    """A loop, known by `key`, was given the memory: whoever asks finds that it was a mistake."""

    __slots__ = ("key",)

    def __init__(self, key: Any):
        self.key = key

    def read(self) -> Atom:
        raise Restart(self.key)

    def store(self, steps: tuple[Step, ...], new: Atom) -> None:
        raise Restart(self.key)


def settle_redirects(builder: Builder, parent: Builder) -> dict[Base, Spent]:
    """At the end of a block: contents of arrays of `parent` that are elsewhere come back. Gives
    those that were given away, which the block has no value for any more."""
    spent: dict[Base, Spent] = {}
    with opened(builder):
        for base, found in list(builder.values.items()):
            if isinstance(found, Redirect) and base.home.encloses(parent):
                if isinstance(found, Spent):
                    spent[base] = found
                    del builder.values[base]
                else:
                    builder.values[base] = found.read()
    return spent


# ---- both sides of a condition

def either(condition: Atom, yes: Callable[[], list[Atom]], no: Callable[[], list[Atom]],
           outs: Sequence[Any]) -> list[Any]:
    """Do one of two things, which may store to arrays; gives what they give."""
    parent = current()
    if isinstance(condition, Lit):
        return list(yes() if condition.value else no())
    sides, died, atoms = [], [], []
    for act in (yes, no):
        side = Builder(parent)
        with opened(side):
            try:
                atoms.append(list[Atom | None](act()))
                died.append(False)
            except Dead:
                atoms.append([None] * len(outs))
                died.append(True)
        sides.append(side)
    if all(died):
        emit("cond", [condition], [], blocks=[Block([], b.eqns, []) for b in sides])
        raise Dead
    vars = [parent.bind(*out) for out in outs]
    finish(condition, sides, died, list(vars), (atoms[0], atoms[1]))
    return vars


def finish(condition: Atom, sides: list[Builder], died: list[bool], outs: list[Var],
           atoms: tuple[list[Atom | None], list[Atom | None]]) -> None:
    """Emit the cond, with the arrays that the branches stored to among its results."""
    parent = current()
    bases = list(dict.fromkeys(base for k, b in enumerate(sides) if not died[k]
                               for base in b.values if base.home.encloses(parent)))
    spent = {}
    for base in bases:
        for side in sides:
            found = side.redirect(base)
            if isinstance(found, Spent):
                spent[base] = found
    bases = [base for base in bases if base not in spent]
    for base in bases:
        outs.append(parent.bind(base.dtype, base.shape))
        for k, side in enumerate(sides):
            with opened(side):
                atoms[k].append(None if died[k] else base.read())
    blocks = []
    own = set(outs)
    for k, side in enumerate(sides):
        with opened(side):
            filled = [a if a is not None else placeholder(out, own)
                      for a, out in zip(atoms[k], outs, strict=True)]
            blocks.append(Block([], side.eqns, filled))
    emit("cond", [condition], outs, blocks=blocks)
    for base, var in zip(bases, outs[len(outs) - len(bases):], strict=True):
        parent.values[base] = var
    parent.values.update(spent)


def placeholder(out: Var, outs: Collection[Var] = ()) -> Atom:
    """A value of the right type for a branch that never gives one (it has raised). `outs`: the
    results of the cond, which the branch can't name."""
    dims = tuple(d if current().sees(d) and d not in outs else 0 for d in out.shape)
    return full(zero(out.dtype), dims)
