"""Updates of what a mask picks are selections on whole arrays, without index vectors.

    k:i64[] i:i64[k] = nonzero m;  b:f64[k] = get[codes='a'] x i;  c:f64[k] = mul b 2.0
    y:f64[n] = set[codes='a'] x c i
    ->
    b:f64[n] = mul x 2.0
    y:f64[n] = select m b x

What is stored must be computed, element by element, from what the same mask picks and from
scalars. Then all of it is one loop in lanes, over memory in order, that may run in threads: finding
the indices alone takes longer than a few operations on elements that nobody asked for.

Elements that are not picked must raise no floating-point flag, which would be taken for a warning:
operations that may raise one get a 1 in their place.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Atom, Block, Eqn, Lit, Program, Var
from hotloop.ir.types import same_shape
from hotloop.ops import index, linalg, shape
from hotloop.ops.emit import Emit
from hotloop.ops.table import PURE, Map, flags, row
from hotloop.passes.forward import Forward
from hotloop.record import record

MOST_CHEAP, MOST_DEAR = 40, 2
"""Operations, and among them functions like `exp`, of what is computed for all elements: in lanes
they take up to 0.05 and 0.4 ns, an index that is found and used about 1.5 ns."""

HARMLESS = ("o", "oi")
"""Flags of operations on two numbers, sums and products, that raise none of numbers near 1."""


def masked(program: Program) -> Program:
    return _Masked().run(program)


@record(eq=False)
class _Mask:
    value: Atom
    vectors: tuple[Var, ...]


class _Masked(Forward):
    def __init__(self) -> None:
        super().__init__()
        self.masks: dict[Var, _Mask] = {}              # by the number of elements they pick
        self.picked: dict[Var, Eqn] = {}               # values of that many elements: `get`s
        self.chains: list[dict[Var, Eqn]] = [{}]       # and what is computed from them, by block

    def enter(self, eqn: Eqn, block: Block) -> None:
        self.chains.append({})

    def leave(self, eqn: Eqn, block: Block) -> None:
        self.chains.pop()

    def visit(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        if eqn.op is linalg.nonzero:
            count, *vectors = eqn.outs
            self.masks[count] = _Mask(eqn.ins[0], tuple(vectors))
        elif not self.masks or eqn.blocks:
            return None
        elif eqn.op is index.set_:
            return self.selected(eqn, out)
        elif len(eqn.outs) == 1 and eqn.outs[0].shape:
            self.note(eqn)
        return None

    def mask_of(self, value: Atom) -> _Mask | None:
        """The mask that tells how long a value is."""
        length = value.shape[0] if value.shape else None
        return self.masks.get(length) if isinstance(length, Var) else None

    def picks(self, eqn: Eqn, mask: _Mask, first: int) -> bool:
        """Does a `get` or `set`, whose indices are its operands from `first` on, take just what
        the mask picks?"""
        array, axes = eqn.ins[0], len(mask.vectors)
        return (eqn.params["codes"] == "a" * axes + ":" * (len(array.shape) - axes)
                and tuple(eqn.ins[first:]) == mask.vectors
                and same_shape(array.shape[:axes], mask.value.shape))

    def note(self, eqn: Eqn) -> None:
        value = eqn.outs[0]
        mask = self.mask_of(value)
        if mask is None:
            return
        if eqn.op is index.get:
            if self.picks(eqn, mask, 1):
                self.picked[value] = eqn
        elif eqn.op is shape.broadcast:
            x, axes = eqn.ins[0], eqn.params["axes"]
            if self.known(x) if self.mask_of(x) is mask and axes[0] == 0 else 0 not in axes:
                self.chains[-1][value] = eqn
        elif isinstance(row(eqn).lowering, Map) and row(eqn).total and row(eqn).effect == PURE:
            if all(not x.shape or self.known(x) for x in eqn.ins):
                self.chains[-1][value] = eqn

    def known(self, value: Atom) -> bool:
        return value in self.picked or value in self.chains[-1]

    # ---- the update

    def selected(self, store: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        array, value = store.ins[:2]
        mask = self.mask_of(value)
        if mask is None or not self.known(value) or not self.picks(store, mask, 2):
            return None
        needed = self.needed(value)
        if needed is None:
            return None
        whole = _Whole(mask, Emit(out, store.location))
        for v in needed:
            whole.add(v, self.picked.get(v) or self.chains[-1][v])
        chosen = whole.where(array.shape)
        return [whole.emit.select(chosen, whole.values[value], array)]

    def needed(self, value: Atom) -> list[Var] | None:
        """All that a value is computed from, operands first; None if that is too much."""
        order: list[Var] = []
        done: set[Atom] = set()
        stack: list[tuple[Atom, bool]] = [(value, False)]
        while stack:
            v, ready = stack.pop()
            if ready:
                assert isinstance(v, Var)
                order.append(v)
            elif v not in done:
                done.add(v)
                stack.append((v, True))
                eqn = self.chains[-1].get(v) if isinstance(v, Var) else None
                if eqn is not None:
                    stack += [(x, False) for x in eqn.ins if self.known(x)]
            if len(done) > MOST_CHEAP:
                return None
        maps = [row(self.chains[-1][v]).lowering for v in order if v in self.chains[-1]]
        dear = sum(isinstance(m, Map) and m.dear for m in maps)
        return order if dear <= MOST_DEAR else None


class _Whole:
    """The same for all elements of the arrays."""

    def __init__(self, mask: _Mask, emit: Emit):
        self.mask, self.emit = mask, emit
        self.axes = len(mask.vectors)
        self.values: dict[Atom, Atom] = {}
        self.inputs: set[Atom] = set()                 # what is picked from arrays
        self.safe: dict[Atom, Atom] = {}
        self.masks: dict[int, Atom] = {}

    def where(self, dims: tuple) -> Atom:
        """The mask for arrays that have more axes."""
        if len(dims) not in self.masks:
            self.masks[len(dims)] = self.emit.broadcast(self.mask.value, dims, range(self.axes))
        return self.masks[len(dims)]

    def add(self, value: Var, eqn: Eqn) -> None:
        if eqn.op is index.get:
            self.values[value] = eqn.ins[0]
            self.inputs.add(value)
        elif eqn.op is shape.broadcast:
            self.values[value] = self.spread(eqn, value.shape)
        else:
            ins = [self.values.get(x, x) for x in eqn.ins]
            raised = flags(row(eqn))
            if raised and any(x.dtype.kind in "fc" for x in ins):
                exacting = len(ins) == 1 or raised not in HARMLESS
                ins = [self.harmless(new) if new.shape and (exacting or old in self.inputs) else new
                       for new, old in zip(ins, eqn.ins, strict=True)]
            self.values[value] = self.emit.again(eqn, ins)

    def spread(self, eqn: Eqn, dims: tuple) -> Atom:
        """A `broadcast`, the axis of what is picked being the mask's axes."""
        x, more = eqn.ins[0], self.axes - 1
        places = [axis + more for axis in eqn.params["axes"]]
        if x in self.values:
            places[:1] = range(self.axes)
        return self.emit.broadcast(self.values.get(x, x), (*self.mask.value.shape, *dims[1:]),
                                   places)

    def harmless(self, x: Atom) -> Atom:
        if x not in self.safe:
            self.safe[x] = self.emit.select(self.where(x.shape), x, Lit(1, x.dtype))
        return self.safe[x]
