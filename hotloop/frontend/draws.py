"""Keys and counters of random draws: counter-based, so that loops over draws have no state.

    key, counter, stream = draw()
    u, = emit("random_uniform", [key, counter], [(F64, ())], stream=stream)

Every call of the compiled function gets a fresh key (an input). A draw at function level has counter
0; a draw in a loop has the iteration number as its counter and, in a nested loop, a key folded with
the iterations around it. Streams number the draws, distinct for each call site; two successive draws
of one block (streams 2j and 2j+1) share a block of Philox.
"""

from __future__ import annotations

from hotloop.frontend.builder import Builder, current, emit, lit, opened
from hotloop.ir.core import Atom, Var
from hotloop.ir.types import I64, U64


def draw() -> tuple[Atom, Atom, int]:
    """(key, counter, stream) of the next scalar draw in the open block."""
    builder = current()
    state = builder.state
    key, counter, depth = _place(builder)
    if state.drawn_at != depth:                # the first draw of a block starts a Philox block
        state.streams += state.streams % 2
        state.drawn_at = depth
    stream = state.streams
    state.streams += 1
    return key, counter, stream


def array_key() -> Atom:
    """A key of its own for a draw of a whole array; its elements are counters 0, 1, ..."""
    key, counter, stream = draw()
    folded, = emit("random_fold", [key, counter], [(U64, ())])
    return emit("random_fold", [folded, lit(stream)], [(U64, ())])[0]


def _place(builder: Builder) -> tuple[Atom, Atom, int]:
    loops = [b for b in builder.lineage if b.loop]
    key: Atom = builder.state.session.random_key()
    for k, loop in enumerate(loops[:-1]):
        # the fold belongs to the block around the next loop, where this iteration is visible
        parent = loops[k + 1].parent
        assert parent is not None
        with opened(parent):
            key, = emit("random_fold", [key, _iteration(loop)], [(U64, ())])
    if not loops:
        return key, lit(0), 0
    return key, _iteration(loops[-1]), len(loops)


def _iteration(loop: Builder) -> Var:
    """The number of the iteration: the index of a for loop, a count that a while loop carries."""
    if loop.iteration is None:
        loop.iteration = loop.bind(I64, (), "trip")
    return loop.iteration
