"""A loop as rewritten code gives it to the helpers: its body as a function, and its names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hotloop.frontend.objects import Slot, cells_of


class Loop:
    """`items`: what a for statement runs over; `test`: a while statement's. `slots`: the names and
    places that the body stores and that are used after it; `head`: those that an iteration reads
    before it stores them; `dead`: names of the body alone; `stop`: the flag of break and return;
    `sink`: see `sequences`."""

    __slots__ = ("body", "cells", "dead", "ended", "head", "items", "peeled", "sink", "slots",
                 "stop", "test")

    def __init__(self, items: Any, test: Callable[[], Any] | None, body: Callable[..., Any],
                 slots: Sequence[Slot], head: Sequence[Slot], dead: Sequence[str],
                 stop: str | None, sink: Any = None):
        self.items, self.test, self.body = items, test, body
        self.cells = cells_of(body, test) if test is not None else cells_of(body)
        self.slots, self.head, self.dead, self.stop = list(slots), set(head), list(dead), stop
        self.sink = sink
        if sink is not None:                   # the consumer of a generator changes its names
            self.cells.update(sink.cells)
            self.slots += sink.names
            self.head.update(sink.names)
            self.dead += sink.dead
        self.peeled = False                    # has the first iteration been written out?
        self.ended: Callable[[], Any] | None = None        # in a try statement: must the loop end?
