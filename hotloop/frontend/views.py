"""Steps of a view: how a view of an array reads its base and writes through to it.

A traced array is (base, steps); `y = x[1:].T` is the base of x with the steps Index and Transpose.
Reading applies `get` in order to the base's current value. Storing applies `put` from the inside
out, so a store through any chain of views is one functional update of the base:

    x[1:].T[0] = v      ->   b = set[codes="s"] a (transpose of set[codes="i:"] ...) ...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.errors import InternalError
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import emit, lit
from hotloop.frontend.dims import equal, same_dims
from hotloop.ir.core import Atom, Dim, Lit
from hotloop.ir.types import I64


class Index:
    """`codes` and operands of the ops get and set (see docs/ir.md), and the resulting shape."""

    __slots__ = ("codes", "operands", "shape")
    readonly = False

    def __init__(self, codes: str, operands: Sequence[Atom], shape: tuple[Dim, ...]):
        self.codes, self.operands, self.shape = codes, tuple(operands), shape

    def get(self, value: Atom) -> Atom:
        if self.whole:
            return value
        return emit("get", [value, *self.operands], [(value.dtype, self.shape)],
                    codes=self.codes)[0]

    def put(self, value: Atom, part: Atom) -> Atom:
        if self.whole:
            return part
        return emit("set", [value, part, *self.operands], [(value.dtype, value.shape)],
                    codes=self.codes)[0]

    def same(self, other: object) -> bool:
        return (isinstance(other, Index) and self.codes == other.codes
                and all(map(equal, self.operands, other.operands)))

    @property
    def whole(self) -> bool:
        return set(self.codes) <= {":"}

    @property
    def contiguous(self) -> bool:
        """Is a selection from a contiguous array certainly contiguous? (Leading axis cut only.)"""
        head = self.codes.lstrip("i")
        return set(head[1:]) <= {":"} and (
            head[:1] in ("", ":") or head[0] == "s" and equal(self.operands[-1], 1))


    def atoms(self) -> tuple[Any, ...]:
        """What tells the step from others that are `like` it."""
        return self.operands

    def rebuilt(self, atoms: Sequence[Any], dims: tuple[Dim, ...]) -> Index:
        """The same step with other operands, of an array of dimensions `dims`."""
        operands, source, shape = iter(atoms), iter(dims), list[Dim]()
        for code in self.codes:
            d = 1 if code == "n" else next(source)
            taken = [next(operands) for _ in range({"i": 1, "s": 3}.get(code, 0))]
            if code != "i":
                shape.append(as_dim(taken[1]) if taken else d)
        return Index(self.codes, [_as_atom(a) for a in atoms], tuple(shape))

    def like(self, other: object) -> bool:
        """The same but for operands and dimensions?"""
        return isinstance(other, Index) and self.codes == other.codes


class Transpose:
    """Axis k of the view is axis perm[k] of what it views."""

    __slots__ = ("perm", "shape")
    readonly = False

    def __init__(self, perm: Sequence[int], shape: tuple[Dim, ...]):
        self.perm, self.shape = tuple(perm), shape

    def get(self, value: Atom) -> Atom:
        return emit("transpose", [value], [(value.dtype, self.shape)], perm=self.perm)[0]

    def put(self, value: Atom, part: Atom) -> Atom:
        inverse = tuple(self.perm.index(k) for k in range(len(self.perm)))
        return emit("transpose", [part], [(value.dtype, value.shape)], perm=inverse)[0]

    def same(self, other: object) -> bool:
        return isinstance(other, Transpose) and self.perm == other.perm

    like = same

    def atoms(self) -> tuple[Any, ...]:
        return ()

    def rebuilt(self, atoms: Sequence[Any], dims: tuple[Dim, ...]) -> Transpose:
        return Transpose(self.perm, tuple(dims[k] for k in self.perm))

    contiguous = False


class Reshape:
    """The same elements in C order under other dimensions."""

    __slots__ = ("shape",)
    readonly = False

    def __init__(self, shape: tuple[Dim, ...]):
        self.shape = shape

    def get(self, value: Atom) -> Atom:
        return reshaped(value, self.shape)

    def put(self, value: Atom, part: Atom) -> Atom:
        return reshaped(part, value.shape)

    def same(self, other: object) -> bool:
        return isinstance(other, Reshape) and same_dims(self.shape, other.shape)

    def like(self, other: object) -> bool:
        return isinstance(other, Reshape) and len(self.shape) == len(other.shape)

    def atoms(self) -> tuple[Any, ...]:
        return self.shape

    def rebuilt(self, atoms: Sequence[Any], dims: tuple[Dim, ...]) -> Reshape:
        return Reshape(tuple(map(as_dim, atoms)))

    contiguous = True


class Part:
    """The real or imaginary part of a complex array."""

    __slots__ = ("name", "shape")
    readonly = False

    def __init__(self, name: str, shape: tuple[Dim, ...]):
        self.name, self.shape = name, shape

    def get(self, value: Atom) -> Atom:
        return emit(self.name, [value], [(value.dtype.type(0).real.dtype, value.shape)])[0]

    def put(self, value: Atom, part: Atom) -> Atom:
        other = Part("imag" if self.name == "real" else "real", self.shape).get(value)
        both = [part, other] if self.name == "real" else [other, part]
        return emit("complex", both, [(value.dtype, value.shape)])[0]

    def same(self, other: object) -> bool:
        return isinstance(other, Part) and self.name == other.name

    like = same

    def atoms(self) -> tuple[Any, ...]:
        return ()

    def rebuilt(self, atoms: Sequence[Any], dims: tuple[Dim, ...]) -> Part:
        return Part(self.name, dims)

    contiguous = False


class Cast:
    """The same elements under dimensions that are equal at run time, but other Vars."""

    __slots__ = ("shape",)
    readonly = False

    def __init__(self, shape: tuple[Dim, ...]):
        self.shape = shape

    def get(self, value: Atom) -> Atom:
        return cast(value, self.shape)

    def put(self, value: Atom, part: Atom) -> Atom:
        return cast(part, value.shape)

    def same(self, other: object) -> bool:
        return isinstance(other, Cast) and same_dims(self.shape, other.shape)

    def like(self, other: object) -> bool:
        return isinstance(other, Cast) and len(self.shape) == len(other.shape)

    def atoms(self) -> tuple[Any, ...]:
        return self.shape

    def rebuilt(self, atoms: Sequence[Any], dims: tuple[Dim, ...]) -> Cast:
        return Cast(tuple(map(as_dim, atoms)))

    contiguous = True


class Broadcast:
    """The same elements repeated: a read-only view."""

    __slots__ = ("shape",)

    def __init__(self, shape: tuple[Dim, ...]):
        self.shape = shape

    def get(self, value: Atom) -> Atom:
        if same_vars(value.shape, self.shape):
            return value
        axes = tuple(range(len(self.shape) - len(value.shape), len(self.shape)))
        return emit("broadcast", [value, *self.shape], [(value.dtype, self.shape)], axes=axes)[0]

    def put(self, value: Atom, part: Atom) -> Atom:
        raise InternalError("a store to a read-only view")

    def same(self, other: object) -> bool:
        return isinstance(other, Broadcast) and same_dims(self.shape, other.shape)

    def like(self, other: object) -> bool:
        return isinstance(other, Broadcast) and len(self.shape) == len(other.shape)

    def atoms(self) -> tuple[Any, ...]:
        return self.shape

    def rebuilt(self, atoms: Sequence[Any], dims: tuple[Dim, ...]) -> Broadcast:
        return Broadcast(tuple(map(as_dim, atoms)))

    contiguous = False
    readonly = True


class Diagonal:
    """The diagonal `offset` of the first two axes, as the last axis: a read-only view, but for
    einsum's."""

    __slots__ = ("offset", "readonly", "shape")

    def __init__(self, offset: int, shape: tuple[Dim, ...], readonly: bool = True):
        self.offset, self.shape, self.readonly = offset, shape, readonly

    def _index(self) -> list[Atom]:
        n = self.shape[-1]
        steps, = emit("iota", [n], [(I64, (n,))], dtype=I64)
        return [emit("add", [steps, lit(k)], [(I64, (n,))])[0] if k else steps
                for k in (max(0, -self.offset), max(0, self.offset))]

    def get(self, value: Atom) -> Atom:
        n, rank = self.shape[-1], len(self.shape)
        found, = emit("get", [value, *self._index()], [(value.dtype, (n, *self.shape[:-1]))],
                      codes="aa" + ":" * (rank - 1))
        if rank == 1:
            return found
        return emit("transpose", [found], [(value.dtype, self.shape)],
                    perm=(*range(1, rank), 0))[0]

    def put(self, value: Atom, part: Atom) -> Atom:
        if self.readonly:
            raise InternalError("a store to a read-only view")
        n, rank = self.shape[-1], len(self.shape)
        if rank > 1:
            part, = emit("transpose", [part], [(value.dtype, (n, *self.shape[:-1]))],
                         perm=(rank - 1, *range(rank - 1)))
        return emit("set", [value, part, *self._index()], [(value.dtype, value.shape)],
                    codes="aa" + ":" * (rank - 1))[0]

    def same(self, other: object) -> bool:
        return isinstance(other, Diagonal) and (self.offset, self.readonly) == (
            other.offset, other.readonly)

    like = same

    def atoms(self) -> tuple[Any, ...]:
        return (self.shape[-1],)

    def rebuilt(self, atoms: Sequence[Any], dims: tuple[Dim, ...]) -> Diagonal:
        return Diagonal(self.offset, (*dims[2:], as_dim(atoms[0])), self.readonly)

    contiguous = False


class Windows:
    """All runs of `size` elements along an axis, theirs as the last axis: a read-only view."""

    __slots__ = ("axis", "shape")

    def __init__(self, axis: int, shape: tuple[Dim, ...]):
        self.axis, self.shape = axis, shape

    def get(self, value: Atom) -> Atom:
        pair = self.shape[self.axis], self.shape[-1]
        first, inside = (emit("broadcast", [emit("iota", [n], [(I64, (n,))], dtype=I64)[0], *pair],
                              [(I64, pair)], axes=(k,))[0] for k, n in enumerate(pair))
        places, = emit("add", [first, inside], [(I64, pair)])
        rank, at = len(value.shape), self.axis + 1
        dims = (*self.shape[:at], self.shape[-1], *self.shape[at:-1])
        found, = emit("get", [value, places], [(value.dtype, dims)],
                      codes=":" * self.axis + "a" + ":" * (rank - at))
        if at == rank:
            return found
        return emit("transpose", [found], [(value.dtype, self.shape)],
                    perm=(*range(at), *range(at + 1, rank + 1), at))[0]

    def put(self, value: Atom, part: Atom) -> Atom:
        raise InternalError("a store to a read-only view")

    def same(self, other: object) -> bool:
        return (isinstance(other, Windows) and self.axis == other.axis
                and same_dims(self.shape, other.shape))

    def like(self, other: object) -> bool:
        return isinstance(other, Windows) and self.axis == other.axis and len(self.shape) == len(
            other.shape)

    def atoms(self) -> tuple[Any, ...]:
        return self.shape[self.axis], self.shape[-1]

    def rebuilt(self, atoms: Sequence[Any], dims: tuple[Dim, ...]) -> Windows:
        count, size = map(as_dim, atoms)
        return Windows(self.axis, (*dims[:self.axis], count, *dims[self.axis + 1:], size))

    contiguous = False
    readonly = True


Step = Index | Transpose | Reshape | Part | Cast | Broadcast | Diagonal | Windows


def all_of(dims: tuple[Dim, ...]) -> Index:
    """The step of `x[:]`: the same elements, as another array object."""
    return Index(":" * len(dims), (), dims)


def as_dim(atom: Any) -> Dim:
    return int(atom.value) if isinstance(atom, Lit) else atom


def cast(value: Atom, dims: tuple[Dim, ...]) -> Atom:
    """`value` whose dimensions are known to equal `dims`."""
    if same_vars(value.shape, dims):
        return value
    return emit("broadcast", [value, *dims], [(value.dtype, dims)],
                axes=tuple(range(len(dims))))[0]


def same_vars(a: Sequence[Dim], b: Sequence[Dim]) -> bool:
    return len(a) == len(b) and all(p is q or isinstance(p, int) and isinstance(q, int) and p == q
                                    for p, q in zip(a, b, strict=True))


def reshaped(value: Atom, dims: tuple[Dim, ...]) -> Atom:
    """`value` under other dimensions; the caller has proved or checked the number of elements."""
    if same_vars(value.shape, dims):
        return value
    return emit("reshape", [value, *dims], [(value.dtype, dims)])[0]


def chosen_first(steps: Sequence[Step]) -> Sequence[Step]:
    """The same view, but that x.T[i] is x[:, i]: a store is made in place then."""
    while len(steps) > 1 and isinstance(steps[0], Transpose) and isinstance(steps[1], Transpose):
        first, second = steps[0], steps[1]
        both = Transpose([first.perm[k] for k in second.perm], second.shape)
        steps = (both, *steps[2:])
        if both.perm == tuple(range(len(both.perm))):
            return chosen_first(steps[1:])
    if len(steps) < 2 or not isinstance(steps[0], Transpose) or not isinstance(steps[1], Index):
        return steps
    turn, index = steps[0], steps[1]
    if not set(index.codes) <= {"i", "s", ":"} or index.whole:
        return steps
    operands = iter(index.operands)
    taken = [(code, [next(operands) for _ in range({"i": 1, "s": 3}.get(code, 0))])
             for code in index.codes]
    by_axis = dict(zip(turn.perm, taken, strict=True))
    kept = [axis for axis, (code, _) in zip(turn.perm, taken, strict=True) if code != "i"]
    sizes = dict(zip(kept, index.shape, strict=True))
    order = sorted(kept)
    chosen = Index("".join(by_axis[k][0] for k in sorted(by_axis)),
                   [a for k in sorted(by_axis) for a in by_axis[k][1]],
                   tuple(sizes[k] for k in order))
    if order == kept:
        return (chosen, *steps[2:])
    return (chosen, Transpose([order.index(k) for k in kept], index.shape), *steps[2:])


def read(value: Atom, steps: Sequence[Step]) -> Atom:
    """The current value of a view whose base has `value`."""
    for step in chosen_first(steps):
        value = step.get(value)
    return value


def written(value: Atom, steps: Sequence[Step], part: Atom) -> Atom:
    """The base's new value when `part` is stored in the view."""
    if not steps:
        return part
    steps = chosen_first(steps)
    inner = written(steps[0].get(value), steps[1:], part) if len(steps) > 1 else part
    return steps[0].put(value, inner)


def same_steps(a: Sequence[Step], b: Sequence[Step]) -> bool:
    """Do two chains provably select the same elements?"""
    return len(a) == len(b) and all(p.same(q) for p, q in zip(a, b, strict=True))



def composed(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The chain with neighbours of one kind made one: `x[1:][1:]` is `x[2:]`, `x.T.T` is `x`. So a
    name that a loop cuts further and further has a chain of one length."""
    out: list[Step] = []
    for step in steps:
        last = out[-1] if out else None
        if isinstance(step, Index) and isinstance(last, Index):
            joined = _joined(last, step)
            if joined is not None:
                out[-1] = joined
                continue
        if isinstance(step, Transpose) and isinstance(last, Transpose):
            perm = tuple(last.perm[k] for k in step.perm)
            out.pop()
            if perm != tuple(range(len(perm))):
                out.append(Transpose(perm, step.shape))
            continue
        if isinstance(step, Reshape | Cast) and type(step) is type(last):
            out[-1] = step
            continue
        if not (isinstance(step, Index) and step.whole):
            out.append(step)
    return tuple(out)


def _joined(first: Index, second: Index) -> Index | None:
    """One step for both, of slices and numbers only."""
    if not set(first.codes + second.codes) <= set(":sin"):
        return None
    axes = []                              # what the axes of the first one's result are
    operands = iter(first.operands)
    for code in first.codes:
        taken = [next(operands) for _ in range({"i": 1, "s": 3}.get(code, 0))]
        axes.append((code, taken))
    operands = iter(second.operands)
    done: list[tuple[str, list[Any]]] = []
    codes = iter(second.codes)
    for code, taken in axes:
        if code == "i":
            done.append((code, taken))
            continue
        then = next(codes)
        while then == "n":
            done.append(("n", []))
            then = next(codes)
        if code == "n":
            if then == "s":
                return None
            if then == "i":
                next(operands)
            else:
                done.append((code, []))
            continue
        more = [next(operands) for _ in range({"i": 1, "s": 3}.get(then, 0))]
        if then == ":" or code == ":":
            done.append((code, taken) if then == ":" else (then, more))
            continue
        start, _, step = taken
        at = _sum(start, _product(more[0], step))
        done.append(("i", [at]) if then == "i" else ("s", [at, more[1], _product(more[2], step)]))
    done += [("n", []) for code in codes]
    return Index("".join(code for code, _ in done), [a for _, more in done for a in more],
                 second.shape)


def _sum(a: Any, b: Any) -> Atom:
    return _as_atom(dm.dim(dm.plus(dm.form(a), dm.form(b))))


def _product(a: Any, b: Any) -> Atom:
    for p, q in ((a, b), (b, a)):
        if isinstance(p, Lit):
            return _as_atom(dm.dim(dm.scale(dm.form(q), int(p.value))))
    return emit("mul", [a, b], [(a.dtype, ())])[0]


def _as_atom(d: Dim) -> Atom:
    return lit(d) if isinstance(d, int) else d
