"""Updates that read what they overwrite, at other places: `u[1:-1] = u[:-2] + u[2:]`.

    for k in 0..blocks + 1 swaps (new, old):
      nest i in size(k):      new[i] <- u[k*B + i] + u[k*B + i + 2]
      nest i in size(k - 1):  u[(k - 1)*B + i + 1] <- old[i]

Elements are computed a block of rows at a time, into a buffer that stays in the first-level cache,
and stored when the next block is computed: by then nobody reads what they replace, if no element is
read more than a block after it is overwritten. A temporary of the whole array, copied back, takes
2.5 times as long, or twice the traffic to memory. If all is read before its place is overwritten
(`u[:-1] = u[1:]`), blocks are stored at once.

What is read of fewer axes (`a[i] /= a[i, i]`, the row and the column of an elimination step) is
copied before.

    distance(at, new, buffer, loops)     # 1: by how many rows reading lags behind
"""

from __future__ import annotations

from hotloop.ir.core import Eqn
from hotloop.loops.buffers import Stores, nest, stores_of
from hotloop.loops.core import Buffer, For, Statement
from hotloop.loops.expr import BOOL, Expr, affine, e, lit, load, substitute, var
from hotloop.loops.pull import element
from hotloop.loops.state import Index, State, Value, parts_of

BLOCK = 1024
"""Elements of a block, at least a row."""
FAR = 4 * BLOCK
"""Rows by which reading may lag behind: the blocks have as many."""
FEW = 128
"""Elements up to which a temporary costs nothing."""


def distance(at: Index, new: Value, buffer: Buffer, loops: Index) -> int | None:
    """`at` is overwritten with `new` in loops over the variables `loops`, each element once: by how
    many iterations of the first loop does reading an element come after overwriting it, at most?
    -1 if no element is read after, or in, another iteration; None if that is not known."""
    most = -1
    for part in parts_of(new):
        for node in part.loads:
            if node.args[0] is not buffer:
                continue
            found = _lag(at, node.args[1:1 + len(at)], loops)
            if found is None:
                return None
            most = max(most, found)
    return most


def _lag(at: Index, index: Index, loops: Index) -> int | None:
    """As `distance`, for the element that is read at `index`."""
    if any(_before(x, y, loops) for x, y in zip(at, index, strict=True)):
        return -1
    lags = dict.fromkeys(loops, 0)
    for x, y in zip(at, index, strict=True):
        gap = e.sub(x, y)
        if gap.op != "lit":
            return None
        moving = [(t, k) for t, k in affine(x)[1].items() if t in lags]
        if not moving:
            if any(loop.args[0] in x.free for loop in loops):
                return None
            if gap is not lit(0):
                return -1                   # another row, which is not overwritten
            continue
        (loop, step), = moving
        rows, rest = divmod(int(gap.args[0]), step)
        if rest:
            return -1
        lags[loop] = rows
    if not any(lags.values()):
        return -1
    return max(0, lags[loops[0]])


def _before(x: Expr, y: Expr, loops: Index) -> bool:
    """Is the index y, which the loops do not change, always beside x on the side it comes from?"""
    names = {loop.args[0] for loop in loops}
    if names & y.free:
        return False
    steps = [k for t, k in affine(x)[1].items() if t in loops]
    start = substitute(x, dict.fromkeys(loops, lit(0)))
    gap = e.sub(y, start)
    if not steps or gap.op != "lit" or len(steps) < len(names & x.free):
        return False
    return all(k > 0 for k in steps) and gap.args[0] < 0 or (
        all(k < 0 for k in steps) and gap.args[0] > 0)


def copied_before(state: State, buffer: Buffer, at: Index, new: Value, loops: Index,
                  extents: Index) -> Value:
    """`new` with copies for what it reads of `buffer` by some of the loops only, where it is not
    known to be read in time."""
    copies: dict[Expr, Expr] = {}
    nodes = {node for part in parts_of(new) for node in part.loads if node.args[0] is buffer}
    for node in sorted(nodes, key=lambda node: node.serial):
        used = [k for k, loop in enumerate(loops) if loop.args[0] in node.free]
        if len(used) < len(loops) and not any(x.loads for x in node.args[1:]) and (
                _lag(at, node.args[1:1 + len(at)], loops) is None):
            copies[node] = _copied(state, node, loops, extents, used)
    parts = [substitute(x, copies) for x in parts_of(new)]
    return parts[0] if len(parts) == 1 else (parts[0], parts[1])


def _copied(state: State, node: Expr, loops: Index, extents: Index, used: list[int]) -> Expr:
    """A copy of what the load gives in the loops `used`, if the others have iterations."""
    copy = state.new_buffer(node.dtype, [extents[k] for k in used])
    runs = lit(True, BOOL)
    for k, extent in enumerate(extents):
        if k not in used:
            runs = e.and_(runs, e.gt(extent, lit(0)))
    own = tuple(loops[k] for k in used)
    first, *rest = [extents[k] for k in used] or [lit(1)]

    def elements(index: Index) -> Stores:
        index = index[:len(used)]
        return [(copy, index, substitute(node, dict(zip(own, index, strict=True))))]
    nest(state, (e.select(runs, first, lit(0)), *rest), elements)
    return load(copy, own)


def in_blocks(state: State, eqn: Eqn, buffer: Buffer, names: tuple[str, ...], at: Index,
              new: Value, lag: int) -> None:
    """Store `new` at `at` of `buffer`, for all values of the variables `names`, though elements are
    read up to `lag` rows after they were overwritten."""
    extents, dtype = state.dims(eqn.ins[1]), eqn.outs[0].dtype
    row = lit(1)
    for extent in extents[1:]:
        row = e.mul(row, extent)
    rows = e.maximum(lit(max(lag, 1)), e.idiv(lit(BLOCK), e.maximum(row, lit(1))))
    shape = (rows, *extents[1:])
    fresh = state.new_buffer(dtype, shape)
    waiting = state.new_buffer(dtype, shape) if lag else fresh
    blocks = e.idiv(e.sub(e.add(extents[0], rows), lit(1)), rows)
    number = state.fresh("i")
    first = e.mul(var(number), rows)            # row that is computed
    done = e.sub(first, rows) if lag else first     # row that is stored

    def moved(x: Expr, start: Expr, index: Index) -> Expr:
        places = (e.add(start, index[0]), *index[1:])
        return substitute(x, dict(zip(map(var, names), places, strict=True)))

    def size(start: Expr) -> Expr:
        return e.maximum(lit(0), e.minimum(rows, e.sub(extents[0], start)))

    def computed(index: Index) -> Stores:
        parts = [moved(x, first, index) for x in parts_of(new)]
        return stores_of(fresh, index, parts[0] if len(parts) == 1 else (parts[0], parts[1]))

    def stored(index: Index) -> Stores:
        place = tuple(moved(x, done, index) for x in at)
        return stores_of(buffer, place, element(waiting, index, dtype.kind == "c"))

    ready = e.select(e.gt(var(number), lit(0)), size(done), lit(0)) if lag else size(done)
    body: list[Statement] = []
    with state.inside(body, "for"):
        nest(state, (size(first), *extents[1:]), computed, eqn.location)
        nest(state, (ready, *extents[1:]), stored, eqn.location)
    swaps = [(fresh, waiting), (waiting, fresh)] if lag else []
    state.emit(For(number, lit(0), e.add(blocks, lit(int(lag > 0))), lit(1), body, swaps=swaps,
                   location=eqn.location))
