"""Buffer planning: which memory holds a value, and when it may be overwritten.

    b = materialize(state, x)           # x's elements, computed into memory of its own
    b = own(state, x, ...)              # memory holding x that may be overwritten from now on
    assign(state, [(y, b), (x, c)])     # parallel: b takes y, c takes x, whatever they read

In the manner of MLIR's one-shot bufferization: a functional update happens in place unless a later
read needs the old value. A lazy value reads its operands where it is consumed, so before memory
changes, the lazy values that read it and are still needed are computed (`flush`), which is
cheaper than a copy of what is overwritten. Arguments that are not written, and values that the next
iteration or the code after a branch needs, are never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hotloop.errors import InternalError, Location
from hotloop.ir.core import Atom, Eqn, Lit, Var
from hotloop.loops.core import ARG, MOVABLE, RESULT, Buffer, Nest
from hotloop.loops.expr import Expr, lit, var
from hotloop.loops.pull import pull
from hotloop.loops.state import Index, State, Value, parts_of

Stores = list[tuple[Buffer, Index, Expr]]


def stores_of(buffer: Buffer, index: Index, value: Value) -> Stores:
    """The store (two for a complex) of a value at an index."""
    if isinstance(value, tuple):
        return [(buffer, (*index, lit(k)), part) for k, part in enumerate(value)]
    return [(buffer, index, value)]


def nest(state: State, dims: Index, body: Callable[[Index], Stores],
         location: Location | None = None) -> None:
    """A loop nest over `dims` that stores what `body` says for an index."""
    names = tuple(state.fresh("j") for _ in dims)
    state.emit(Nest(names, dims, body(tuple(map(var, names))), location=location))


def location_of(state: State, array: Atom) -> Location | None:
    source = state.source.get(array) if isinstance(array, Var) else None
    return source.location if isinstance(source, Eqn) else None


def store_all(state: State, array: Atom, buffer: Buffer) -> None:
    """buffer <- array, no overlap."""
    nest(state, state.dims(array),
         lambda index: stores_of(buffer, index, pull(state, array, index)),
         location_of(state, array))


# ---- what is needed later

def lazy_needed(state: State, array: Var, inside: Iterable[Var] = ()) -> list[Var]:
    """Lazy values that read `array` and are needed after the present equation (or in `inside`)."""
    found: dict[Var, None] = {}
    seen = {array}
    stack = [array]
    while stack:
        for reader in state.readers.get(stack.pop(), ()):
            if reader in seen or reader in state.where or reader not in state.source:
                continue
            seen.add(reader)
            if state.scope.needed(reader) or reader in inside:
                found[reader] = None
            else:
                stack.append(reader)
    return list(found)


def overwritable(state: State, buffer: Buffer, inside: frozenset[Var] = frozenset()
                 ) -> list[Var] | None:
    """May `buffer` be overwritten at the present equation (which reads `inside` in its blocks)?
    None if not; else the lazy values to compute before."""
    if buffer.kind == ARG:
        return None
    lazy: list[Var] = []
    for holder in state.holders(buffer):
        if holder in inside or state.scope.needed(holder):
            return None
        lazy += lazy_needed(state, holder, inside)
    if any(state.scope.needed_outside(w) for w in lazy):
        return None                 # they would have to be computed outside this block
    return lazy


# ---- computing into memory

def destination(state: State, array: Var, reads: Iterable[Atom], pointwise: bool,
                taken: Iterable[Buffer] = (), stays: bool = False) -> Buffer | None:
    """The memory where `array` should end up, if it is free now: nobody needs what it holds, the
    present equation neither, but for `reads`, from which `array` is computed now: they may lie
    there if each element is read only where it is overwritten (`pointwise`). `stays`: the value
    will be known to be there, so that what it is computed from is not needed any more."""
    buffer = state.destination.get(array)
    if buffer is None or buffer in taken:
        return None
    if buffer.kind == RESULT and not state.is_allocated(buffer):
        shape = state.dims(array)
        if state.depth(shape) > 0:
            return None
        buffer.shape = shape + ((lit(2),) if array.dtype.kind == "c" else ())
        state.allocate(buffer)
        return buffer
    reads = list(reads)
    lazy = overwritable(state, buffer, state.scope.reading.difference(reads))
    if not same_shape(state, array, buffer) or lazy is None:
        return None
    if lazy and not (stays and lazy == [array] and state.scope.parent is None):
        return None                 # something else, or the same after this block, reads it
    for atom in reads:
        at = _loaded(state, atom).get(buffer)
        if at is False or (at and not pointwise):
            return None
    return buffer


def same_shape(state: State, array: Var, buffer: Buffer) -> bool:
    return buffer.shape[:len(array.shape)] == state.dims(array)


def memory_for(state: State, array: Var, reads: Iterable[Atom], pointwise: bool = False,
               taken: Iterable[Buffer] = (), stays: bool = False) -> Buffer:
    """Memory to compute `array` into: its destination if free, else a new buffer."""
    buffer = destination(state, array, reads, pointwise, taken, stays)
    if buffer is None:
        buffer = state.new_buffer(array.dtype, state.dims(array))
    return buffer


def settle(state: State, array: Var, buffer: Buffer) -> None:
    """`array` has been computed into `buffer`; whoever was there is dead."""
    take_over(state, buffer)
    state.set_where(array, buffer)


def materialize(state: State, array: Var) -> Buffer:
    """Compute a lazy value into memory, where it is from now on."""
    buffer = state.where.get(array)
    if buffer is None:
        source = state.source.get(array)
        if isinstance(source, Var) and source in state.where:
            buffer = state.where[source]
            state.set_where(array, buffer)
        else:
            buffer = memory_for(state, array, (array,), pointwise=True, stays=True)
            store_all(state, array, buffer)
            settle(state, array, buffer)
    return buffer


def flush(state: State, lazy: Iterable[Var]) -> None:
    """Compute lazy values now, since what they read is about to change."""
    for array in lazy:
        if array not in state.where:
            buffer = state.new_buffer(array.dtype, state.dims(array))
            store_all(state, array, buffer)
            state.set_where(array, buffer)


def take_over(state: State, buffer: Buffer) -> None:
    """Whoever is in `buffer` is dead: something else will be stored there."""
    for holder in state.holders(buffer):
        state.forget(holder)


def copy_of(state: State, array: Var, why: str, location: Location | None,
            taken: Iterable[Buffer] = ()) -> Buffer:
    """Other memory holding `array`'s value, and not any of `taken`."""
    buffer = state.where.get(array)
    if buffer is not None:
        line = f"line {location.line}: " if location else ""
        state.kernel.notes.append(f"{line}copied {array.hint or 'an array'}: {why}")
    target = memory_for(state, array, (array,), True, taken)
    if target is buffer:
        target = state.new_buffer(array.dtype, state.dims(array))
    store_all(state, array, target)
    take_over(state, target)
    return target


def own(state: State, array: Var, result: Var, location: Location | None,
        inside: frozenset[Var] = frozenset(), taken: Iterable[Buffer] = (),
        permuted: bool = False) -> Buffer:
    """Memory with `array`'s value that may be overwritten: its own where nobody needs the value
    any more, else a copy (into the destination of `result`, what it becomes). The old values stay
    known as being there until the caller overwrites them (`take_over`).

    inside    Vars that the blocks of the present equation read
    taken     memory that is owned already
    permuted  the memory will be exchanged with other memory: arguments and results won't do
    """
    buffer = state.where.get(array)
    if buffer is not None and buffer not in taken and not (permuted and buffer.kind not in MOVABLE):
        lazy = overwritable(state, buffer, inside)
        if lazy is not None:
            flush(state, lazy)
            return buffer
    wanted = state.destination.pop(array, None)
    if not permuted and (result in state.destination or not state.scope.needed(array)):
        target = state.destination.get(result, wanted)
        if target is not None:
            state.destination[array] = target
    why = "an argument must not change" if buffer is not None and buffer.kind == ARG else (
        "its old value is needed later")
    copy = copy_of(state, array, why, location, taken)
    if wanted is not None and state.scope.needed(array):
        state.destination[array] = wanted           # that was for what it becomes elsewhere
    return copy


def alias(state: State, name: Var, atom: Atom) -> None:
    """`name` is another Var for the value of `atom`."""
    if not name.shape and not (isinstance(atom, Var) and atom in state.where):
        state.scalars[name] = state.scalar(atom)
    elif atom in state.where:
        assert isinstance(atom, Var)
        state.set_where(name, state.where[atom])
    else:
        assert isinstance(atom, Var)
        state.source[name] = atom
        state.cost[name] = state.cost.get(atom, 0.0)
        state.steps[name] = state.steps.get(atom, {})
        state.readers.setdefault(atom, []).append(name)


# ---- parallel assignment

def assign(state: State, pairs: Iterable[tuple[Atom, Buffer]],
           exchange: Callable[[Buffer, Buffer], bool] = lambda buffer, spare: False) -> None:
    """Each buffer takes its value; all values are those before. The buffers are different, and
    their old contents are needed by these values only.

    Values that read one another's buffers, each element where it is overwritten, are stored in one
    loop. A value that can't be computed in place is computed into a spare buffer and copied, unless
    `exchange(buffer, spare)` says that the spare buffer will do."""
    left = [(array, buffer) for array, buffer in pairs
            if isinstance(array, Lit) or state.where.get(array) is not buffer]
    done: list[tuple[Atom, Buffer]] = []
    for array, buffer in list(left):
        if not state.holders(buffer):           # then nothing reads from it
            store_all(state, array, buffer)
            done.append((array, buffer))
            left.remove((array, buffer))
    spared: list[tuple[Atom, Buffer]] = []
    while left:
        values = [_loaded(state, array) for array, _ in left]
        for k, (_, buffer) in enumerate(left):
            others = any(buffer in loads for j, loads in enumerate(values) if j != k)
            if not others and values[k].get(buffer, True):
                break
        else:
            together = _together(state, left, values)
            if together:
                store_together(state, together)
                done += together
                left = [pair for pair in left if pair not in together]
                continue
            k = next(k for k, pair in enumerate(left) if pair not in spared)
            array, buffer = left[k]
            assert isinstance(array, Var)
            spare = state.new_buffer(array.dtype, state.dims(array))
            store_all(state, array, spare)
            state.set_where(array, spare)
            spared.append(left[k])
            if exchange(buffer, spare):
                del left[k]
            continue
        array, buffer = left.pop(k)
        store_all(state, array, buffer)
        done.append((array, buffer))
    # only now: values may name dead operands that their expressions don't need
    for _, buffer in done:
        take_over(state, buffer)
    for array, buffer in done:
        if isinstance(array, Var):
            state.set_where(array, buffer)


def _together(state: State, pairs: list[tuple[Atom, Buffer]], values: list[dict[Buffer, bool]]
              ) -> list[tuple[Atom, Buffer]]:
    """Pairs that one loop can store, which computes all values of an index before it stores any:
    they read one another's buffers at that index only, and the other pairs don't read them."""
    for first, _ in pairs:
        dims = state.dims(first)
        chosen = {k for k, (array, _) in enumerate(pairs) if state.dims(array) == dims}
        while True:
            spoiled = {k for k in chosen if any(
                not loads.get(pairs[k][1], True) or (j not in chosen and pairs[k][1] in loads)
                for j, loads in enumerate(values))}
            if not spoiled:
                break
            chosen -= spoiled
        if len(chosen) > 1:
            return [pairs[k] for k in sorted(chosen)]
    return []


def store_together(state: State, pairs: list[tuple[Atom, Buffer]]) -> None:
    """Each buffer <- its array, in one loop."""
    first = pairs[0][0]
    memo: dict = {}
    nest(state, state.dims(first), lambda index: [
        store for array, buffer in pairs
        for store in stores_of(buffer, index, pull(state, array, index, memo))],
        location_of(state, first))


def _loaded(state: State, array: Atom) -> dict[Buffer, bool]:
    """The buffers that computing `array` reads: True if only at the index being computed."""
    index = tuple(var(f"?{k}") for k in range(len(array.shape)))
    return loaded(index, pull(state, array, index))


def loaded(index: Index, value: Value) -> dict[Buffer, bool]:
    """The buffers that `value` loads from: True if at exactly `index` (and a complex's part)."""
    found: dict[Buffer, bool] = {}
    for part in parts_of(value):
        for node in part.loads:
            buffer: Buffer = node.args[0]
            same = node.args[1:1 + len(index)] == index
            found[buffer] = found.get(buffer, True) and same
    return found


def contiguous(state: State, array: Atom) -> Buffer:
    """A buffer in C order with the value, as a library needs it."""
    if isinstance(array, Lit):
        raise InternalError("a scalar where an array is needed")
    buffer = state.where.get(array) or materialize(state, array)
    if buffer.strides is None and same_shape(state, array, buffer):    # it has no spare rows
        return buffer
    copy = state.new_buffer(array.dtype, state.dims(array))
    store_all(state, array, copy)
    return copy
